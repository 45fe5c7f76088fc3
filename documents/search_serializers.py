"""What search, citations and answers take and give."""

from functools import cache
from typing import Any

from rest_framework import serializers

from documents.models import Document
from documents.serializers import ChunkSerializer
from tasks.strict import StrictSerializer


class SearchSerializer(StrictSerializer):
    query = serializers.CharField(max_length=1000)
    mode = serializers.ChoiceField(
        ["hybrid", "vector", "text"], default="hybrid",
        help_text="By meaning (`vector`), by words (`text`), or both, fused by their ranks.",
    )  # fmt: skip
    top_k = serializers.IntegerField(min_value=1, max_value=100, default=10)
    min_score = serializers.FloatField(min_value=0, max_value=1, default=0)
    context = serializers.IntegerField(  # type: ignore[assignment] # DRF takes it off the class
        min_value=0, max_value=5, default=0, help_text="So many chunks before and after each hit."
    )
    distinct = serializers.BooleanField(
        default=False,
        help_text="A passage that stands in several places is one hit, with its `copies`.",
    )
    group = serializers.BooleanField(
        default=False, help_text="One hit for each document, with its `others`."
    )
    explain = serializers.BooleanField(default=False, help_text="Tell why each hit was found.")
    documents = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, max_length=1000,
        help_text="Search only these.",
    )  # fmt: skip
    name = serializers.CharField(
        max_length=255, required=False, allow_null=True, help_text="A part of documents' names."
    )
    types = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, allow_null=True,
        max_length=50, help_text="Content types, in either case; `image/` is every image.",
    )  # fmt: skip
    languages = serializers.ListField(
        child=serializers.CharField(max_length=10), required=False, allow_null=True,
        max_length=50, help_text="ISO 639-1, in either case.",
    )  # fmt: skip
    created_after = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Uploaded then or later."
    )
    created_before = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Uploaded before then."
    )
    page_from = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    page_to = serializers.IntegerField(
        min_value=1, required=False, allow_null=True, help_text="Inclusive."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for low, high in (("page_from", "page_to"), ("created_after", "created_before")):
            first, last = attrs.get(low), attrs.get(high)
            if first is not None and last is not None and first > last:
                raise serializers.ValidationError({high: f"It must not be under {low}."})
        return attrs


class HitDocumentSerializer(serializers.Serializer[Document]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """Why a hit stands where it does. A rank is null where the hit is none of the best of that way,
    a figure where that way was not looked for."""

    vector_rank = serializers.IntegerField(allow_null=True, help_text="1 is the nearest.")
    distance = serializers.FloatField(allow_null=True, help_text="Cosine distance, 0 to 2.")
    text_rank = serializers.IntegerField(allow_null=True, help_text="1 is the best by words.")
    relevance = serializers.FloatField(allow_null=True, help_text="BM25.")
    fusion = serializers.FloatField(
        help_text="Of both ways: a third each for the ranks, and for how near the hit comes to the "
        "best by meaning and by words; of figures and identifiers, two thirds are the words'. 1 is "
        "the best of both."
    )


class CopySerializer(serializers.Serializer[Any]):
    document = HitDocumentSerializer()
    chunk = ChunkSerializer()


class RelatedHitSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(
        help_text="At most 1. By `vector` the cosine similarity, by `text` the share of the "
        "question's words, rare ones counting more, else the `fusion`."
    )
    chunk = ChunkSerializer()
    highlights = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="Where the question's words stand in the chunk's `text`: [start, end).",
    )
    explain = ExplanationSerializer(source="explanation", required=False)
    copies = CopySerializer(
        many=True, required=False,
        help_text="With `distinct`: where the same text stands under the same headings.",
    )  # fmt: skip
    before = ChunkSerializer(many=True, required=False, help_text="With `context`.")
    after = ChunkSerializer(many=True, required=False, help_text="With `context`.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Without what was not asked for."""
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
    quote = serializers.CharField(max_length=5000, help_text="A sentence, or more.")


class QuotedPlaceSerializer(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="Characters of the document's text.")
    end = serializers.IntegerField()
    text = serializers.CharField(help_text="As it stands there.")
    exact = serializers.BooleanField(
        help_text="To the letter; else but for case, spaces, hyphens and other signs."
    )
    page_start = serializers.IntegerField(allow_null=True)
    page_end = serializers.IntegerField(allow_null=True)
    headings = serializers.ListField(child=serializers.CharField(), help_text="From the outermost.")
    chunks = serializers.ListField(
        child=serializers.UUIDField(), source="chunk_ids",
        help_text="Those that hold it or a part of it.",
    )  # fmt: skip


class VerificationSerializer(serializers.Serializer[Any]):
    found = serializers.BooleanField()
    places = QuotedPlaceSerializer(many=True, help_text="The first ten, in order.")


class SearchResultsSerializer(serializers.Serializer[Any]):
    results = HitSerializer(many=True)


@cache
def search_serializer() -> SearchSerializer:
    """For `run_validation`. Made once, as below."""
    return SearchSerializer()


@cache
def results_serializer(**shown: bool) -> SearchResultsSerializer:
    """For `to_representation`. Made once: that takes longer than to fill its fields."""
    return SearchResultsSerializer(context=shown)


class QuestionSerializer(StrictSerializer):
    question = serializers.CharField(max_length=1000)
    documents = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, max_length=1000,
        help_text="Answer from these alone.",
    )  # fmt: skip
    top_k = serializers.IntegerField(
        min_value=1, max_value=20, default=8, help_text="From at most so many passages."
    )
