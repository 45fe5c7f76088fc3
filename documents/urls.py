from django.urls import path
from rest_framework.routers import SimpleRouter

from documents.views import DocumentViewSet, SearchView, UsageView, VerifyView

router = SimpleRouter()
router.register("documents", DocumentViewSet, basename="document")
urlpatterns = [
    *router.urls,
    path("search/", SearchView.as_view(), name="search"),
    path("usage/", UsageView.as_view(), name="usage"),
    path("citations/verify/", VerifyView.as_view(), name="verify-citation"),
]
