"""Errors in the middle of a COPY are told from each other as those of any statement are."""

import pytest
from django.db import IntegrityError, OperationalError, connection

from documents.copying import copying
from tasks.exceptions import is_storage_full

pytestmark = pytest.mark.django_db
NO_ROOM = """
    CREATE TEMPORARY TABLE shelf (books integer PRIMARY KEY);
    CREATE FUNCTION pg_temp.no_room() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER no_room BEFORE INSERT ON shelf FOR EACH ROW WHEN (NEW.books > 9)
        EXECUTE FUNCTION pg_temp.no_room();
"""


def put(*books):
    with copying("COPY shelf (books) FROM STDIN") as rows:
        for each in books:
            rows.write_row([each])


@pytest.fixture(autouse=True)
def shelf():
    with connection.cursor() as cursor:
        cursor.execute(NO_ROOM)


def test_rows_are_there():
    put(1, 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(books) FROM shelf")
        assert cursor.fetchone() == (3,)


def test_a_full_disk_is_known_as_one():
    with pytest.raises(OperationalError) as full:
        put(1, 10)
    assert is_storage_full(full.value)


def test_a_row_that_may_not_be_is_an_integrity_error():
    with pytest.raises(IntegrityError):
        put(1, 1)


def test_a_connection_that_is_lost_is_an_operational_error(transactional_db):
    with pytest.raises(OperationalError), copying("COPY shelf (books) FROM STDIN"):
        connection.connection.pgconn.finish()
    connection.close()
