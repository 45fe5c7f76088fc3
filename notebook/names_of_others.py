"""What other packages' admin pages say without a Chinese translation. Never written."""

from django.utils.translation import gettext_noop as _

CELERY_RESULTS = (
    _("Celery Results"), _("task result"), _("task results"), _("Parameters"), _("Result"),
    _("Task ID"), _("Celery ID for the Task that was run"),
    _("Task Name"), _("Name of the Task which was run"),
    _("Periodic Task Name"), _("Name of the Periodic Task which was run"),
    _("Task Positional Arguments"),
    _("JSON representation of the positional arguments used with the task"),
    _("Task Named Arguments"), _("JSON representation of the named arguments used with the task"),
    _("Task State"), _("Current state of the task being run"),
    _("Worker"), _("Worker that executes the task"),
    _("Result Content Type"), _("Content type of the result data"),
    _("Result Encoding"), _("The encoding used to save the task result data"),
    _("Result Data"),
    _(
        "The data returned by the task.  Use content_encoding and content_type fields to read."
    ),
    _("Created DateTime"), _("Datetime field when the task result was created in UTC"),
    _("Started DateTime"), _("Datetime field when the task was started in UTC"),
    _("Completed DateTime"), _("Datetime field when the task was completed in UTC"),
    _("Traceback"), _("Text of the traceback if the task generated one"),
    _("Task Meta Information"),
    _("JSON meta information about the task, such as information on child tasks"),
)  # fmt: skip
AXES = (
    _("access attempt"), _("access attempts"), _("access failure"), _("access failures"),
    _("access log"), _("access logs"), _("access attempt expiration"),
    _("User Agent"), _("IP Address"), _("HTTP Accept"), _("Path"), _("Attempt Time"),
    _("GET Data"), _("POST Data"), _("Failed Logins"), _("Logout Time"), _("Access lock out"),
    _("Form Data"), _("Meta Data"), _("Locked Out"), _("Attempt Remaining"),
    _("Clean up expired attempts"), _("Not set"),
)  # fmt: skip
