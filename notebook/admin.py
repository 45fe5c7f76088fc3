"""What other packages show to staff, as far as it serves them here."""

from django.contrib import admin
from django.utils.translation import gettext_noop
from django_celery_results.models import GroupResult
from knox.models import AuthToken

from notebook.models import ApiToken
from tasks.admin.lists import ReadOnlyAdmin

admin.site.unregister((AuthToken, GroupResult))  # shown as ours; never written
NAMES_OF_OTHERS = (  # who have them in few languages
    gettext_noop("Celery Results"), gettext_noop("task result"), gettext_noop("task results"),
    gettext_noop("access attempt"), gettext_noop("access attempts"),
    gettext_noop("access failure"), gettext_noop("access failures"),
    gettext_noop("access log"), gettext_noop("access logs"),
)  # fmt: skip


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Whose programs may sign in, until when. To delete one is to revoke it.

    Nobody makes one for somebody else: that would be to sign in as them.
    """

    list_display = ("token_key", "user", "created", "expiry")
    list_select_related = ("user",)
    search_fields = ("token_key", "user__username")
    ordering = ("-created",)
    fields = ("token_key", "user", "created", "expiry")
