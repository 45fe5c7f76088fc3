import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import pgvector.django
from django.conf import settings
from django.db import migrations, models

from documents.models import no_words
from documents.weights import DIMENSIONS, indexed

ROWS = 500
# What a search reads stays in the row; the text and the list of words are what moves out of it.
STORAGE = """
    ALTER TABLE documents_chunk ALTER embedding SET STORAGE MAIN;
    ALTER TABLE documents_chunk ALTER weights SET STORAGE MAIN;
    ALTER TABLE documents_chunk SET (toast_tuple_target = 2400);
"""
# How common a word is, a search takes from the statistics of the column.
STATISTICS = """
    ALTER TABLE documents_chunk ALTER words SET STATISTICS 300;
    ALTER TABLE documents_chunk SET (autovacuum_analyze_scale_factor = 0.05);
"""
# A table with checks outstanding can't be altered in the same transaction.
OWNERS = """
    SET CONSTRAINTS ALL IMMEDIATE;
    UPDATE documents_chunk SET owner_id = document.owner_id, embedding = l2_normalize(embedding)
    FROM documents_document document WHERE document.id = document_id;
"""
_INDEX = """
    UPDATE {table} chunk SET words = given.words::tsvector, weights = given.weights::sparsevec
    FROM unnest(%s::{key}[], %s::text[], %s::text[]) AS given (id, words, weights)
    WHERE chunk.id = given.id
"""


def index_words(apps, schema_editor):
    """Passages stored before they had words."""
    for name, key in (("Chunk", "uuid"), ("Draft", "bigint")):
        model = apps.get_model("documents", name)
        statement = _INDEX.format(table=model._meta.db_table, key=key)
        found = model.objects.values_list("pk", "context", "text", "document__language").order_by("pk")
        with schema_editor.connection.cursor() as cursor:
            for rows in _batches(found.iterator(chunk_size=ROWS)):
                cursor.execute(statement, rows)


def _batches(found):
    ids, words, weights = [], [], []
    for pk, context, text, language in found:
        ids.append(pk)
        for kept, value in zip((words, weights), indexed(f"{context}\n{text}", language, ""), strict=True):
            kept.append(value)
        if len(ids) == ROWS:
            yield ids, words, weights
            ids, words, weights = [], [], []
    if ids:
        yield ids, words, weights


def words_of_passages():
    for model in ("chunk", "draft"):
        yield migrations.AddField(
            model, "words", django.contrib.postgres.search.SearchVectorField(default="")
        )
        yield migrations.AddField(
            model,
            "weights",
            pgvector.django.SparseVectorField(dimensions=DIMENSIONS, default=no_words),
        )


def owner(**values):
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+", to=settings.AUTH_USER_MODEL, **values,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("documents", "0003_scanned_pages"),
    ]

    operations = [
        migrations.RemoveIndex("chunk", "chunk_embedding_hnsw"),
        *words_of_passages(),
        migrations.AddField("chunk", "owner", owner(null=True)),
        migrations.RunSQL(OWNERS, migrations.RunSQL.noop),
        migrations.RunPython(index_words, migrations.RunPython.noop),
        migrations.AlterField("chunk", "owner", owner()),
        migrations.AlterField(
            "chunk",
            "embedding",
            pgvector.django.HalfVectorField(dimensions=settings.EMBEDDING_DIMENSIONS),
        ),
        migrations.RunSQL(STORAGE + STATISTICS, migrations.RunSQL.noop),
        migrations.AddIndex("chunk", models.Index(fields=["owner"], name="chunk_owner")),
        migrations.AddIndex(
            "chunk", django.contrib.postgres.indexes.GinIndex(fields=["words"], name="chunk_words")
        ),
        migrations.AddIndex(
            "chunk",
            pgvector.django.HnswIndex(
                name="chunk_embedding_hnsw", fields=["embedding"], m=16, ef_construction=64,
                opclasses=["halfvec_cosine_ops"],
            ),
        ),  # fmt: skip
    ]
