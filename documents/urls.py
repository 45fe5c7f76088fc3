from django.urls import path
from rest_framework.routers import SimpleRouter

from documents.search_views import AskView, SearchView, VerifyView
from documents.views import DocumentViewSet, UsageView

router = SimpleRouter()
router.register("documents", DocumentViewSet, basename="document")
urlpatterns = [
    *router.urls,
    path("search/", SearchView.as_view(), name="search"),
    path("ask/", AskView.as_view(), name="ask"),
    path("usage/", UsageView.as_view(), name="usage"),
    path("citations/verify/", VerifyView.as_view(), name="verify-citation"),
]
