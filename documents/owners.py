"""Deletes a user with everything that is theirs."""

from uuid import UUID

import structlog
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from documents import services
from documents.models import Document
from tasks.models import Task

log = structlog.get_logger(__name__)


def delete_owner(user_id: int) -> None:
    """Delete the user with all documents, tasks and files. Raises DoesNotExist."""
    get_user_model().objects.only("pk").get(pk=user_id)
    _delete_documents_of(user_id)
    while not _delete(user_id):
        log.info("uploaded_meanwhile", user_id=user_id)
        _delete_documents_of(user_id)


def _delete_documents_of(user_id: int) -> None:
    pks: list[UUID] = list(Document.objects.filter(owner=user_id).values_list("pk", flat=True))
    for pk in pks:
        try:
            services.delete_document(pk)
        except ObjectDoesNotExist:  # somebody else was first
            continue


@transaction.atomic
def _delete(user_id: int) -> bool:
    """Whether the user was deleted: False if a document or task was added meanwhile."""
    # Tasks first: their writers lock the user's row after them, through foreign keys.
    tasks = Task.objects.filter(owner_id=user_id)
    locked = len(tasks.select_for_update().values_list("pk"))
    user = get_user_model().objects.select_for_update().get(pk=user_id)
    if tasks.count() > locked or Document.objects.filter(owner=user_id).exists():
        transaction.set_rollback(True)
        return False
    user.delete()
    return True
