"""Input and output of search, citations and answers."""

from functools import cache
from typing import Any

from rest_framework import serializers

from documents.asking import MOST_CHARACTERS
from documents.models import Document
from documents.search.question import LONGEST
from documents.serializers import ChunkSerializer
from tasks.strict import StrictSerializer


class SearchSerializer(StrictSerializer):
    query = serializers.CharField(max_length=LONGEST)
    mode = serializers.ChoiceField(
        ["hybrid", "vector", "text"], default="hybrid",
        help_text="By meaning (`vector`), by words (`text`), or both, fused by their ranks.",
    )  # fmt: skip
    top_k = serializers.IntegerField(min_value=1, max_value=100, default=10)
    min_score = serializers.FloatField(min_value=0, max_value=1, default=0)
    context = serializers.IntegerField(  # type: ignore[assignment] # DRF takes it off the class
        min_value=0, max_value=5, default=0, help_text="Chunks to return before and after each hit."
    )
    distinct = serializers.BooleanField(
        default=False,
        help_text="A passage that occurs in several places is one hit, with its `copies`.",
    )
    group = serializers.BooleanField(
        default=False, help_text="One hit per document, with its `others`."
    )
    explain = serializers.BooleanField(default=False, help_text="Explain why each hit was found.")
    documents = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, max_length=1000,
        help_text="Search only these.",
    )  # fmt: skip
    name = serializers.CharField(
        max_length=255, required=False, allow_null=True, help_text="Part of the document's name."
    )
    types = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, allow_null=True,
        max_length=50, help_text="Content types, case-insensitive; `image/` is every image.",
    )  # fmt: skip
    languages = serializers.ListField(
        child=serializers.CharField(max_length=10), required=False, allow_null=True,
        max_length=50, help_text="ISO 639-1, case-insensitive.",
    )  # fmt: skip
    created_after = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Uploaded at that time or later."
    )
    created_before = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Uploaded before that time."
    )
    page_from = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    page_to = serializers.IntegerField(
        min_value=1, required=False, allow_null=True, help_text="Inclusive."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for low, high in (("page_from", "page_to"), ("created_after", "created_before")):
            first, last = attrs.get(low), attrs.get(high)
            if first is not None and last is not None and first > last:
                raise serializers.ValidationError({high: f"It must not be less than {low}."})
        return attrs


class HitDocumentSerializer(serializers.Serializer[Document]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """Why a hit ranks where it does. A rank is null if the hit is not among the best of that way;
    `distance` or `relevance` is null if the search did not use that way."""

    vector_rank = serializers.IntegerField(allow_null=True, help_text="1 is the nearest.")
    distance = serializers.FloatField(allow_null=True, help_text="Cosine distance, 0 to 2.")
    text_rank = serializers.IntegerField(allow_null=True, help_text="1 is the best by words.")
    relevance = serializers.FloatField(allow_null=True, help_text="BM25.")
    fusion = serializers.FloatField(
        help_text="A third for the two ranks, and a third each for how close the hit comes to the "
        "best by meaning and by words (for numbers and identifiers, two thirds by words). 1 is the "
        "best of both."
    )


class CopySerializer(serializers.Serializer[Any]):
    document = HitDocumentSerializer()
    chunk = ChunkSerializer()


class RelatedHitSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(
        help_text="At most 1. For `vector` the cosine similarity, for `text` the share of the "
        "question's words, weighted by rarity, else the `fusion`."
    )
    chunk = ChunkSerializer()
    highlights = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="Where the question's words occur in the chunk's `text`: [start, end).",
    )
    explain = ExplanationSerializer(source="explanation", required=False)
    copies = CopySerializer(
        many=True, required=False,
        help_text="With `distinct`: where the same text occurs under the same headings.",
    )  # fmt: skip
    before = ChunkSerializer(many=True, required=False, help_text="With `context`.")
    after = ChunkSerializer(many=True, required=False, help_text="With `context`.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Only what was asked for."""
        shown: dict[str, Any] = super().to_representation(instance)
        wanted = self.context
        hidden = {
            "explain": not wanted.get("explain"), "others": not wanted.get("group"),
            "copies": not wanted.get("distinct"),
            "before": not wanted.get("context"), "after": not wanted.get("context"),
        }  # fmt: skip
        return {name: value for name, value in shown.items() if not hidden.get(name)}


class HitSerializer(RelatedHitSerializer):
    document = HitDocumentSerializer()
    others = RelatedHitSerializer(
        many=True, required=False, help_text="With `group`: further hits of the same document."
    )


class QuotationSerializer(StrictSerializer):
    document = serializers.UUIDField()
    quote = serializers.CharField(max_length=5000, help_text="A sentence or more.")


class QuotedPlaceSerializer(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="Offset into the document's text, in code points.")
    end = serializers.IntegerField()
    text = serializers.CharField(help_text="As it is written there.")
    exact = serializers.BooleanField(
        help_text="Character by character; otherwise case, spaces and punctuation may differ."
    )
    page_start = serializers.IntegerField(allow_null=True)
    page_end = serializers.IntegerField(allow_null=True)
    headings = serializers.ListField(child=serializers.CharField(), help_text="From the outermost.")
    chunks = serializers.ListField(
        child=serializers.UUIDField(), source="chunk_ids",
        help_text="Those that contain it or a part of it.",
    )  # fmt: skip


class VerificationSerializer(serializers.Serializer[Any]):
    found = serializers.BooleanField()
    places = QuotedPlaceSerializer(many=True, help_text="The first ten, in order.")


class SearchResultsSerializer(serializers.Serializer[Any]):
    results = HitSerializer(many=True)


@cache
def search_serializer() -> SearchSerializer:
    """For `run_validation`. Cached, as below."""
    return SearchSerializer()


@cache
def results_serializer(**shown: bool) -> SearchResultsSerializer:
    """For `to_representation`. Cached: building it takes longer than using it."""
    return SearchResultsSerializer(context=shown)


class TurnSerializer(StrictSerializer):
    question = serializers.CharField(max_length=LONGEST)
    answer = serializers.CharField(
        max_length=MOST_CHARACTERS, allow_blank=True, help_text="As it was streamed."
    )


class QuestionSerializer(StrictSerializer):
    question = serializers.CharField(max_length=LONGEST)
    history = TurnSerializer(  # type: ignore[call-arg] # max_length is the list's
        many=True, default=list, allow_null=True, max_length=50,
        help_text="What was asked and answered before, oldest first: it says what the question "
        "refers to. Of a long conversation the last turns count.",
    )  # fmt: skip
    documents = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, max_length=1000,
        help_text="Answer only from these.",
    )  # fmt: skip
    top_k = serializers.IntegerField(
        min_value=1, max_value=20, default=8, help_text="Maximum number of passages to answer from."
    )
