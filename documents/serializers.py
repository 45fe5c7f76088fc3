"""Input and output of the REST API, in separate serializers."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from documents.models import Chunk, Document
from documents.services import Splitting, splitting_options
from documents.steps.split import STRATEGIES
from documents.usage import utc_today
from tasks.models import Task
from tasks.sentences import translated
from tasks.strict import StrictSerializer


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

    def to_representation(self, document: Document) -> dict[str, Any]:
        shown = super().to_representation(document)
        return {**shown, "error_message": translated(shown["error_message"])}

    @extend_schema_field(LatestTaskSerializer(allow_null=True))
    def get_task(self, document: Document) -> Any:
        latest = document.latest_task  # type: ignore[attr-defined] # by the view's annotation
        if not latest:
            return None
        reason, socket = translated(latest["error_message"]), f"/ws/tasks/{latest['id']}/"
        return {**latest, "error_message": reason, "socket": socket}


class SplittingSerializer(StrictSerializer):
    """How to split this document, if not by the operator's settings; all optional."""

    NAMES = ("chunk_size", "chunk_overlap", "chunk_strategy")

    chunk_size = serializers.IntegerField(
        min_value=32, max_value=480, required=False, help_text="Tokens, approximate."
    )
    chunk_overlap = serializers.IntegerField(
        min_value=0, max_value=240, required=False,
        help_text="Tokens, in whole sentences; less than `chunk_size`. By default the operator's "
        "setting, or half of `chunk_size` if that is too large.",
    )  # fmt: skip
    chunk_strategy = serializers.ChoiceField(
        STRATEGIES, required=False,
        help_text="`by_title` follows the headings, `plain` fills one chunk after another.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        options = splitting_options(self._asked(attrs))
        size, overlap = options["chunk_size"], options["chunk_overlap"]
        if overlap >= size:
            problem = f"The overlap ({overlap}) must be less than chunk_size ({size})."
            raise serializers.ValidationError({"chunk_overlap": problem})
        return attrs

    def splitting(self) -> Splitting:
        """The options that were given."""
        return self._asked(self.validated_data)

    def _asked(self, given: dict[str, Any]) -> Splitting:
        return cast("Splitting", {name: given[name] for name in self.NAMES if name in given})


class PlannedFileSerializer(SplittingSerializer):
    file = serializers.FileField(allow_empty_file=True, max_length=None)

    def validate_file(self, file: TemporaryUploadedFile) -> TemporaryUploadedFile:
        """Refuse several files: all but the last would be ignored silently."""
        if isinstance(self.initial_data, MultiValueDict):
            count = len(self.initial_data.getlist("file"))
            if count > 1:
                problem = _("Send one file per request, not {count}.")
                raise serializers.ValidationError(problem.format(count=count))
        return file

    def given(self) -> dict[str, Any]:
        """The file and how to split it, as arguments of services."""
        file: TemporaryUploadedFile = self.validated_data["file"]
        path = Path(file.temporary_file_path())
        return {"path": path, "name": file.name or "", "splitting": self.splitting()}


class UploadSerializer(PlannedFileSerializer):
    bulk = serializers.BooleanField(
        default=False, help_text="Part of an import: let other uploads go first."
    )


class CostSerializer(serializers.Serializer[Any]):
    amount = serializers.CharField(help_text="Decimal.")
    currency = serializers.CharField()


class PlanSerializer(serializers.Serializer[Any]):
    """What an upload would lead to. Exact, except for pages that need OCR, which are estimated."""

    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    pages = serializers.IntegerField(allow_null=True)
    ocr_pages = serializers.IntegerField(help_text="Pages that need OCR.")
    chunks = serializers.IntegerField()
    tokens = serializers.IntegerField(help_text="Approximate.")
    known_chunks = serializers.IntegerField(help_text="Embedded before, so not paid for again.")
    tokens_to_pay = serializers.IntegerField()
    cost = CostSerializer(allow_null=True, help_text="Null if no price is set.")
    seconds = serializers.IntegerField(
        allow_null=True, help_text="Until it can be searched, estimated from recent documents."
    )
    document = serializers.UUIDField(
        source="document.pk", allow_null=True, default=None, read_only=True,
        help_text="Your document with the same bytes: nothing would be processed, unless it is "
        "FAILED or CANCELLED.",
    )  # fmt: skip
    warnings = serializers.ListField(child=serializers.CharField())


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


class DownloadSerializer(serializers.Serializer[Any]):
    inline = serializers.BooleanField(default=False, help_text="A PDF opens in the browser.")


class QualitySerializer(serializers.Serializer[Any]):
    """How well a document could be read. The last three exist only if the format has pages."""

    pages = serializers.IntegerField(allow_null=True, required=False)
    characters = serializers.IntegerField(required=False)
    language = serializers.CharField(required=False, help_text="ISO 639-1; empty when unknown.")
    garbled = serializers.FloatField(required=False, help_text="Share of the characters, 0 to 1.")
    tables = serializers.IntegerField(required=False)
    dropped_repeats = serializers.IntegerField(
        required=False, help_text="Headers and footers left out after their first occurrence."
    )
    warnings = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Sentences for people."
    )
    empty_pages = serializers.IntegerField(required=False)
    ocr_pages = serializers.IntegerField(required=False, help_text="Pages read by OCR.")
    ocr_confidence = serializers.FloatField(
        required=False, help_text="Mean, 0 to 1; only if OCR read something."
    )


class PeriodSerializer(serializers.Serializer[Any]):
    """A range of days, inclusive; by default the last thirty."""

    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """`from` is a keyword in Python."""
        return {"from": serializers.DateField(required=False), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        last = attrs.setdefault("to", utc_today())
        first = attrs.setdefault("from", last - min(timedelta(days=29), last - date.min))
        if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
            raise serializers.ValidationError(
                {"from": f"It must be before `to`, and at most {MOST_DAYS} days."}
            )
        return attrs


MOST_DAYS = 366


class CountsSerializer(serializers.Serializer[Any]):
    documents = serializers.IntegerField(help_text="Uploaded and new.")
    chunks = serializers.IntegerField(help_text="Stored, counted again when reprocessed.")
    tokens = serializers.IntegerField(
        help_text="Of the embedding service, by its own count if it reports one."
    )
    requests = serializers.IntegerField(help_text="Answered requests to the embedding service.")


class DaySerializer(CountsSerializer):
    day = serializers.DateField(help_text="UTC.")


class BudgetSerializer(serializers.Serializer[Any]):
    tokens = serializers.IntegerField(help_text="Per day.")
    left = serializers.IntegerField()
    resets_at = serializers.DateTimeField()


class UsageSerializer(serializers.Serializer[Any]):
    today = DaySerializer()
    total = CountsSerializer()
    days = DaySerializer(many=True, help_text="Newest first; days without any use are left out.")
    budget = BudgetSerializer(allow_null=True)
