"""`/api/search/`, `/api/citations/verify/` and `/api/ask/`."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from asgiref.sync import async_to_sync
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import get_object_or_404
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from documents import asking, search
from documents.asking import chat, followup, prompt
from documents.citations import verification as citations
from documents.exceptions import ChatNotConfigured
from documents.models import Document
from documents.search_serializers import (
    HitSerializer,
    QuestionSerializer,
    QuotationSerializer,
    SearchResultsSerializer,
    SearchSerializer,
    VerificationSerializer,
    results_serializer,
    search_serializer,
)
from documents.views import user_id
from tasks import event_stream
from tasks.event_stream import EventStreamRenderer
from tasks.strict import StrictView


class SearchView(StrictView):
    @extend_schema(request=SearchSerializer, responses=SearchResultsSerializer)
    def post(self, request: Request) -> Response:
        """The passages in the caller's own documents that best answer a question."""
        asked = search_serializer().run_validation(request.data or {})  # null lacks them too
        shown = {name: bool(asked[name]) for name in ("explain", "group", "context", "distinct")}
        asked.pop("explain")
        hits = search.search(owner_id=user_id(request), **asked)
        return Response(results_serializer(**shown).to_representation({"results": hits}))


class VerifyView(StrictView):
    @extend_schema(request=QuotationSerializer, responses=VerificationSerializer)
    def post(self, request: Request) -> Response:
        """Whether a quotation occurs in one of the caller's documents, and where."""
        form = QuotationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with_text = Document.objects.select_related("extraction").defer("extraction__elements")
        mine = with_text.filter(owner_id=user_id(request))
        document = get_object_or_404(mine, pk=form.validated_data["document"])
        if document.extraction is None:
            raise NotFound("This document has no text yet.", code="no_text_yet")
        places = citations.verify(document, form.validated_data["quote"])
        return Response(VerificationSerializer({"found": bool(places), "places": places}).data)


class AskView(StrictView):
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @extend_schema(
        request=QuestionSerializer,
        parameters=[event_stream.NO_CHOICE],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        """An answer from the caller's documents, as server-sent events: docs/ask.md."""
        if not chat.is_configured():
            raise ChatNotConfigured
        form = QuestionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        question, history = asked.pop("question"), followup.recent(asked.pop("history") or ())
        if history:
            close_old_connections()  # hold none while the model writes
        query = async_to_sync(followup.standalone)(question, history)
        hits = search.search(owner_id=user_id(request), query=query, distinct=True, **asked)
        sources = prompt.fitting(hits, history)
        numbered = [
            {"number": number, **HitSerializer(hit).data}
            for number, hit in enumerate(sources, start=1)
        ]
        close_old_connections()
        answer = asking.answer(question, sources, history)
        found = {"question": query, "sources": numbered}
        return event_stream.response(_events(found, answer, translation.get_language()))


async def _events(
    found: dict[str, Any], answer: AsyncGenerator[asking.Event, None], language: str
) -> AsyncIterator[str]:
    translation.activate(language)  # in this response's own context
    yield asking.as_event("sources", found)
    async with aclosing(answer) as events:
        async for name, data in events:
            yield asking.as_event(name, data)
