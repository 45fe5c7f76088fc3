"""All addresses over HTTP. The sockets' are in tasks.routing."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from notebook import health, metrics, views
from notebook.languages import LanguageView
from notebook.tokens import TokenView

admin.site.site_header = admin.site.site_title = "Notebook"
admin.site.index_title = _("Staff")
admin.site.enable_nav_sidebar = False  # the lists need its room
handler500 = "notebook.problems.server_error"

api: list[URLPattern | URLResolver] = [
    path("", include("documents.urls")),
    path("", include("tasks.urls")),
    path("auth/token/", TokenView.as_view(), name="token"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
urlpatterns = [
    path("", views.NotebookView.as_view(), name="notebook"),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", LanguageView.as_view(), name="language"),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="javascript-catalog"),
    path("admin/", admin.site.urls),
    path("api/", include(api)),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
]
