"""What the REST API takes and gives. Input and output are apart."""

from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from documents.models import Chunk, Document
from documents.services import Splitting
from documents.steps.split import STRATEGIES
from tasks.models import Task


class LatestTaskSerializer(serializers.ModelSerializer[Task]):
    socket = serializers.CharField(read_only=True, help_text="Follow this path with a WebSocket.")

    class Meta:
        model = Task
        columns = ("id", "status", "progress", "error_code", "error_message")
        fields = (*columns, "socket")
        read_only_fields = fields


class DocumentSerializer(serializers.ModelSerializer[Document]):
    task = serializers.SerializerMethodField(help_text="The latest run of the pipeline.")

    class Meta:
        model = Document
        fields = (
            "id", "name", "content_type", "size", "sha256", "status", "error_code",
            "error_message", "page_count", "chunk_count", "language", "created_at", "updated_at",
            "task",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(LatestTaskSerializer(allow_null=True))
    def get_task(self, document: Document) -> Any:
        latest = document.latest_task  # type: ignore[attr-defined] # by the view's annotation
        return latest and {**latest, "socket": f"/ws/tasks/{latest['id']}/"}


class SplittingSerializer(serializers.Serializer[Any]):
    """How to split this document, other than the operator's settings say; all optional."""

    NAMES = ("chunk_size", "chunk_overlap", "chunk_strategy")

    chunk_size = serializers.IntegerField(
        min_value=32, max_value=480, required=False, help_text="Tokens, approximate."
    )
    chunk_overlap = serializers.IntegerField(
        min_value=0, max_value=240, required=False,
        help_text="Tokens, in whole sentences; under `chunk_size`.",
    )  # fmt: skip
    chunk_strategy = serializers.ChoiceField(
        STRATEGIES, required=False,
        help_text="`by_title` follows the headings, `plain` fills one chunk after another.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        size = attrs.get("chunk_size", settings.CHUNK_SIZE)
        overlap = attrs.get("chunk_overlap", settings.CHUNK_OVERLAP)
        if overlap >= size:
            problem = f"The overlap ({overlap}) must be under chunk_size ({size})."
            raise serializers.ValidationError({"chunk_overlap": problem})
        return attrs

    def splitting(self) -> Splitting:
        """What was asked for."""
        given = self.validated_data
        return cast("Splitting", {name: given[name] for name in self.NAMES if name in given})


class UploadSerializer(SplittingSerializer):
    file = serializers.FileField(allow_empty_file=True, max_length=None)
    bulk = serializers.BooleanField(
        default=False, help_text="Part of an import: let other uploads go first."
    )


class ReprocessSerializer(SplittingSerializer):
    """Settings other than the operator's for this run; all optional."""


class ChunkSerializer(serializers.ModelSerializer[Chunk]):
    headings = serializers.ListField(child=serializers.CharField(), help_text="From the outermost.")

    class Meta:
        model = Chunk
        fields = ("id", "index", "text", "page_start", "page_end", "headings", "start", "end")
        read_only_fields = fields


class TextSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()


class QualitySerializer(serializers.Serializer[Any]):
    """How well a document could be read. The last three only where the format has pages."""

    pages = serializers.IntegerField(allow_null=True, required=False)
    characters = serializers.IntegerField(required=False)
    language = serializers.CharField(required=False, help_text="ISO 639-1; empty when unknown.")
    garbled = serializers.FloatField(required=False, help_text="Share of the characters, 0 to 1.")
    tables = serializers.IntegerField(required=False)
    dropped_repeats = serializers.IntegerField(
        required=False, help_text="Headers and footers left out after their first time."
    )
    warnings = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Sentences for people."
    )
    empty_pages = serializers.IntegerField(required=False)
    ocr_pages = serializers.IntegerField(required=False, help_text="Pages read by OCR.")
    ocr_confidence = serializers.FloatField(
        required=False, help_text="Mean, 0 to 1; only where OCR read something."
    )


class SearchSerializer(serializers.Serializer[Any]):
    query = serializers.CharField(max_length=1000)
    top_k = serializers.IntegerField(min_value=1, max_value=100, default=10)
    documents = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, max_length=1000,
        help_text="Search only these.",
    )  # fmt: skip


class HitDocumentSerializer(serializers.Serializer[Document]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class HitSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(help_text="Cosine similarity; 1 is the same meaning.")
    chunk = ChunkSerializer()
    document = HitDocumentSerializer()


class SearchResultsSerializer(serializers.Serializer[Any]):
    results = HitSerializer(many=True)
