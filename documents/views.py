"""`/api/documents/` and `/api/usage/`. Each action ends in a service call."""

import json
from typing import Any
from unicodedata import normalize

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from documents import downloads, planning, services, usage
from documents.models import Chunk, Document
from documents.serializers import (
    MOST_DAYS,
    ChunkSerializer,
    DocumentSerializer,
    DownloadSerializer,
    LatestTaskSerializer,
    PeriodSerializer,
    PlannedFileSerializer,
    PlanSerializer,
    QualitySerializer,
    ReprocessSerializer,
    TextSerializer,
    UploadSerializer,
    UsageSerializer,
)
from tasks import events
from tasks.models import Task
from tasks.pagination import CursorPagination
from tasks.serializers import TaskSerializer
from tasks.strict import StrictView


class PlainTextRenderer(BaseRenderer):
    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """The text; JSON for data without one, such as the response to OPTIONS."""
        return str(data["text"]).encode() if "text" in data else json.dumps(data).encode()


class AnyType(DefaultContentNegotiation):
    """Serves a file with its own type, whatever `Accept` says."""

    def select_renderer(self, request: Request, renderers: Any, *_: Any) -> Any:
        return renderers[0], renderers[0].media_type


class ChunkPagination(CursorPagination):
    ordering = ("index", "pk")


class NameFilter(SearchFilter):
    """`?search=`, in NFC as names are stored."""

    search_description = "Words, or parts of words, all of which the name contains."

    def get_search_terms(self, request: Request) -> list[str]:
        return [normalize("NFC", term) for term in super().get_search_terms(request)]


class Ordering(OrderingFilter):
    ordering_description = (
        "`created_at`, `updated_at`, `name`, `size` or `status`, with `-` before it to reverse; "
        "several, separated by commas. By default `-created_at`."
    )

    def remove_invalid_fields(
        self, queryset: Any, fields: Any, view: Any, request: Request
    ) -> list[str]:
        """Refuse invalid fields instead of removing them."""
        if any(name.removeprefix("-") not in view.ordering_fields for name in fields):
            known = ", ".join(view.ordering_fields)
            problem = _("It must be one of {names}, with “-” before it to reverse the order.")
            raise ValidationError({self.ordering_param: problem.format(names=known)})
        return list(fields)

    def get_schema_operation_parameters(self, view: Any) -> Any:
        (parameter,) = super().get_schema_operation_parameters(view)
        field = f"-?({'|'.join(view.ordering_fields)})"
        parameter["schema"]["pattern"] = f"^{field}(,{field})*$"
        return [parameter]


class DocumentFilter(filters.FilterSet):
    class Meta:
        model = Document
        fields = ("status",)


# Read in the document's own statement, so that the two are always consistent.
_LATEST_TASK = Subquery(
    Task.objects.filter(document=OuterRef("pk"))
    .order_by("-created_at")
    .values(found=JSONObject(**{name: name for name in LatestTaskSerializer.Meta.columns}))[:1]
)


class DocumentViewSet(
    StrictView,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Document],
):
    """The caller's documents. Anybody else's do not exist."""

    parameters = {
        "list": (*DocumentFilter.base_filters, "search", "ordering", *CursorPagination.parameters),
        "chunks": CursorPagination.parameters,
        "file": ("inline",),
    }
    serializer_class = DocumentSerializer
    queryset = Document.objects.none()
    filterset_class = DocumentFilter
    filter_backends = (filters.DjangoFilterBackend, NameFilter, Ordering)
    search_fields = ("name",)
    ordering_fields = ("created_at", "updated_at", "name", "size", "status")
    ordering = ("-created_at", "-id")
    parser_classes = (MultiPartParser, *APIView.parser_classes)

    def get_queryset(self) -> "QuerySet[Document]":
        mine = Document.objects.filter(owner_id=self.request.user.pk)
        return mine.annotate(latest_task=_LATEST_TASK)

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={
            201: DocumentSerializer,
            200: OpenApiResponse(DocumentSerializer, "You have the same bytes already."),
        },
    )
    def create(self, request: Request) -> Response:
        """Upload one file. Processing starts by itself; follow it at `task.socket`."""
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        upload = services.upload_document(
            owner_id=user_id(request), bulk=form.validated_data["bulk"], **form.given()
        )
        body = DocumentSerializer(self.get_queryset().get(pk=upload.document.pk)).data
        location = reverse("document-detail", args=[upload.document.pk])
        code = status.HTTP_201_CREATED if upload.created else status.HTTP_200_OK
        return Response(body, code, headers={"Location": location})

    @extend_schema(request={"multipart/form-data": PlannedFileSerializer}, responses=PlanSerializer)
    @action(detail=False, methods=["post"])
    def plan(self, request: Request) -> Response:
        """What an upload would produce and cost: pages, chunks, tokens, time. Nothing is stored."""
        form = PlannedFileSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        found = planning.plan(owner_id=user_id(request), **form.given())
        return Response(PlanSerializer(found).data)

    def perform_destroy(self, document: Document) -> None:
        services.delete_document(document.pk)

    @extend_schema(
        request={"application/json": ReprocessSerializer}, responses={202: TaskSerializer}
    )
    @action(detail=True, methods=["post"])
    def reprocess(self, request: Request, **_: Any) -> Response:
        """Process the file again; the old chunks are used until the new ones replace them."""
        form = ReprocessSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        task = services.reprocess_document(self.get_object().pk, form.splitting())
        fresh = events.with_details(Task.objects.filter(pk=task.pk)).get()
        return Response(TaskSerializer(fresh).data, status.HTTP_202_ACCEPTED)

    @extend_schema(responses=ChunkSerializer(many=True))
    @action(detail=True, filter_backends=[], pagination_class=ChunkPagination)
    def chunks(self, request: Request, **_: Any) -> Response:
        """The document's chunks in reading order."""
        rows = Chunk.objects.filter(document=self.get_object()).defer("weights", "words", "digest")
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type] # chunks, here
        return self.get_paginated_response(ChunkSerializer(page, many=True).data)

    @extend_schema(
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "application/json"): TextSerializer,
        }
    )
    @action(detail=True, renderer_classes=[PlainTextRenderer, JSONRenderer])
    def text(self, request: Request, **_: Any) -> Response:
        """The normalised text that the chunks' `start` and `end` refer to, in code points."""
        # Without its elements, which for a book take longer to parse than all the rest.
        kept = Document.objects.filter(pk=self.get_object().pk)
        if (text := kept.values_list("extraction__text", flat=True).get()) is None:
            raise NotFound("This document has no text yet.", code="no_text_yet")
        return Response({"text": text})

    @extend_schema(responses=QualitySerializer)
    @action(detail=True)
    def quality(self, request: Request, **_: Any) -> Response:
        """How well the document could be read: pages, OCR, garbled characters, warnings."""
        report = services.quality_report(self.get_object())
        if report is None:
            raise NotFound("This document has no text yet.", code="no_text_yet")
        return Response(QualitySerializer(report).data)

    @extend_schema(
        parameters=[DownloadSerializer, *downloads.HEADERS],
        responses={
            (200, "*/*"): OpenApiTypes.BINARY,
            (206, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "The bytes that `Range` names."),
            304: OpenApiResponse(None, "Its `ETag` is the one in `If-None-Match`."),
        },
    )
    @action(detail=True, content_negotiation_class=AnyType)
    def file(self, request: Request, **_: Any) -> HttpResponse | StreamingHttpResponse:
        """The file as uploaded; with `inline=true` a PDF opens in the browser."""
        form = DownloadSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        document = self.get_object()
        answer = downloads.answer_with_file(request, document)
        opens = form.validated_data["inline"] and document.content_type == "application/pdf"
        disposition = content_disposition_header(not opens, document.name)
        answer["Content-Disposition"] = str(disposition)
        # A browser's PDF viewer does not work in a CSP sandbox, and is a sandbox itself.
        policy = "frame-ancestors 'none'" if opens else "sandbox; default-src 'none'"
        answer["Content-Security-Policy"] = policy
        answer["Cache-Control"] = "private, no-store"  # others may use the same machine later
        return answer


def user_id(request: Request) -> int:
    """The caller's id."""
    return int(request.user.pk or 0)  # never None, because of IsAuthenticated


PERIOD = {
    "from": "The first day; by default 29 days before the last.",
    "to": f"The last day; by default today. A period has at most {MOST_DAYS} days.",
}


class UsageView(StrictView):
    parameters = {"get": tuple(PERIOD)}

    @extend_schema(
        parameters=[
            OpenApiParameter(name, OpenApiTypes.DATE, description=told)
            for name, told in PERIOD.items()
        ],
        responses=UsageSerializer,
    )
    def get(self, request: Request) -> Response:
        """The caller's usage: documents, chunks, tokens and requests, by day (UTC)."""
        form = PeriodSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        period = form.validated_data
        found = usage.report(user_id(request), period["from"], period["to"])
        return Response(UsageSerializer(found).data)
