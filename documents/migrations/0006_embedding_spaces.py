import django.db.models.deletion
import pgvector.django
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

# Postgres removes a chunk's vectors with it. What is compared stays in the row, up to the 8 kB of
# 4,000 dimensions.
TABLE = """
    ALTER TABLE documents_chunkvector ADD CONSTRAINT vector_chunk
        FOREIGN KEY (chunk_id) REFERENCES documents_chunk ON DELETE CASCADE;
    ALTER TABLE documents_chunkvector ALTER embedding SET STORAGE PLAIN;
"""
VECTORS = """
    INSERT INTO documents_chunkvector (chunk_id, space_id, owner_id, document_id, embedding)
    SELECT id, %(space)s, owner_id, document_id, embedding FROM documents_chunk
"""
DRAFTS = "UPDATE documents_draft SET space_id = %(space)s WHERE embedding IS NOT NULL"
# Digests named the model, too, which a text keeps no longer.
DIGESTS = """
    UPDATE {table} SET digest = sha256(convert_to(
        CASE WHEN context = '' THEN text ELSE context || E'\\n' || text END, 'UTF8'
    ))
"""


def fill_first_space(apps, schema_editor):
    """What is stored is of the model that the settings name, as it always had to be."""
    with schema_editor.connection.cursor() as cursor:
        for table in ("documents_chunk", "documents_draft"):
            cursor.execute(DIGESTS.format(table=table))
        if not _has_vectors(apps):
            return
        space = apps.get_model("documents", "EmbeddingSpace").objects.create(
            passage_model=settings.EMBEDDING_PASSAGE_MODEL,
            query_model=settings.EMBEDDING_QUERY_MODEL,
            dimensions=settings.EMBEDDING_DIMENSIONS,
            state="ACTIVE",
        )
        for statement in (VECTORS, DRAFTS):
            cursor.execute(statement, {"space": space.pk})
        # A table with checks outstanding can't be altered in the same transaction.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _has_vectors(apps):
    chunks = apps.get_model("documents", "Chunk").objects
    drafts = apps.get_model("documents", "Draft").objects.exclude(embedding=None)
    return chunks.exists() or drafts.exists()


def unchecked(model):
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+", to=model,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0005_usage"),
        ("tasks", "0002_queue"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            "EmbeddingSpace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("passage_model", models.CharField(max_length=200)),
                ("query_model", models.CharField(max_length=200)),
                ("dimensions", models.PositiveSmallIntegerField()),
                ("passage_prefix", models.CharField(blank=True, max_length=500)),
                ("query_prefix", models.CharField(blank=True, max_length=500)),
                ("base_url", models.CharField(blank=True, max_length=500)),
                ("key_variable", models.CharField(blank=True, max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("BUILDING", "Being filled"),
                            ("ACTIVE", "Searched"),
                            ("RETIRED", "Being removed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("task", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="tasks.task")),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
                ("switched_at", models.DateTimeField(null=True)),
            ],
            options={"ordering": ["-pk"]},
        ),
        migrations.AddConstraint(
            "embeddingspace",
            models.UniqueConstraint(fields=["state"], name="one_space_searched", condition=models.Q(state="ACTIVE")),
        ),
        migrations.AddConstraint(
            "embeddingspace",
            models.UniqueConstraint(fields=["state"], name="one_space_built", condition=models.Q(state="BUILDING")),
        ),
        migrations.AddConstraint(
            "embeddingspace",
            models.CheckConstraint(
                name="space_dimensions", condition=models.Q(dimensions__gt=0, dimensions__lte=4000)
            ),
        ),
        migrations.AddField(
            "draft",
            "space",
            models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL,
                related_name="+", to="documents.embeddingspace",
            ),
        ),  # fmt: skip
        migrations.CreateModel(
            "ChunkVector",
            fields=[
                ("pk", models.CompositePrimaryKey("chunk", "space", blank=True, editable=False, primary_key=True, serialize=False)),
                ("chunk", unchecked("documents.chunk")),
                ("space", unchecked("documents.embeddingspace")),
                ("owner", unchecked(settings.AUTH_USER_MODEL)),
                ("document", unchecked("documents.document")),
                ("embedding", pgvector.django.HalfVectorField()),
            ],
        ),
        migrations.RunSQL(TABLE, migrations.RunSQL.noop),
        migrations.RunPython(fill_first_space, migrations.RunPython.noop),
        migrations.AddIndex("chunkvector", models.Index(fields=["owner"], name="vector_owner")),
        migrations.AddIndex("chunkvector", models.Index(fields=["document"], name="vector_document")),
        migrations.RemoveIndex("chunk", "chunk_embedding_hnsw"),
        migrations.RemoveField("chunk", "embedding"),
        migrations.CreateModel(
            "KeptVector",
            fields=[
                ("pk", models.CompositePrimaryKey("space", "digest", blank=True, editable=False, primary_key=True, serialize=False)),
                ("space", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="documents.embeddingspace")),
                ("digest", models.BinaryField(max_length=32)),
                ("embedding", pgvector.django.HalfVectorField()),
                ("kept_at", models.DateTimeField(db_default=Now())),
            ],
        ),
        migrations.AddIndex("keptvector", models.Index(fields=["kept_at"], name="kept_vector_age")),
    ]
