"""Tasks as the REST API shows them: the socket's snapshot plus times."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tasks import events, history
from tasks.models import Status, Task, TaskEvent


class TaskDetailSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    step_type = serializers.CharField()
    step_name = serializers.CharField(help_text="In the language of the request.")
    step_order = serializers.IntegerField()
    status = serializers.ChoiceField(Status.choices)
    progress = serializers.IntegerField(help_text="Percent.")
    error_message = serializers.CharField(allow_null=True)
    details = serializers.DictField(help_text="What the step found, e.g. `pages`, `chunk_count`.")
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)


class TaskSerializer(serializers.Serializer[Task]):
    id = serializers.UUIDField()
    seq = serializers.IntegerField(help_text="Grows with every change of this task.")
    task_id = serializers.UUIDField()
    document_id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(Status.choices)
    progress = serializers.IntegerField(help_text="Percent, weighted over the steps.")
    error_code = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    attempt = serializers.IntegerField()
    task_details = TaskDetailSerializer(many=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, task: Task) -> dict[str, Any]:
        times = {
            name: self._time(task, name) for name in ("created_at", "started_at", "completed_at")
        }
        return {"id": str(task.pk), **_without_type(events.snapshot(task)), **times}

    def _time(self, task: Task, name: str) -> str | None:
        value = getattr(task, name)
        return self.fields[name].to_representation(value) if value else None


def _without_type(snapshot: events.TaskSnapshot) -> dict[str, Any]:
    return {name: value for name, value in snapshot.items() if name != "type"}


class TaskEventSerializer(serializers.ModelSerializer[TaskEvent]):
    event_name = serializers.CharField(
        source="get_event_display", help_text="In the language of the request."
    )
    by = serializers.SerializerMethodField(help_text="Who asked for it; null: Notebook itself.")
    step_type = serializers.SerializerMethodField()
    step_name = serializers.SerializerMethodField(help_text="In the language of the request.")
    reason = serializers.SerializerMethodField(help_text="For people; `error_code` is stable.")

    class Meta:
        model = TaskEvent
        fields = (
            "id", "event", "event_name", "by", "attempt", "step_type", "step_name", "error_code",
            "reason", "times", "created_at", "last_at",
        )  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {"times": {"help_text": "Times in a row, from `created_at` to `last_at`."}}

    @extend_schema_field(serializers.ChoiceField(["owner", "staff"], allow_null=True))
    def get_by(self, entry: TaskEvent) -> str | None:
        return history.by(entry)

    def get_step_type(self, entry: TaskEvent) -> str | None:
        return entry.step_type or None

    def get_step_name(self, entry: TaskEvent) -> str | None:
        return entry.step_name or None

    def get_reason(self, entry: TaskEvent) -> str | None:
        return history.reason(entry)
