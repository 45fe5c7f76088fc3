"""The socket's addresses."""

from django.urls import path, re_path

from tasks import consumers

websocket_urlpatterns = [
    path("ws/tasks/", consumers.TasksConsumer.as_asgi()),
    path("ws/tasks/<uuid:task_id>/", consumers.TaskConsumer.as_asgi()),
    re_path(r"", consumers.UnknownPathConsumer.as_asgi()),
]
