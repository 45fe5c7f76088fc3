from django.db import migrations

# Weights of a passage in Chinese were compressed at 2,400 bytes, and a search took longer to
# unpack them than to compare them. Rows that are there keep theirs until they are written anew.
AS_THEY_ARE = "ALTER TABLE documents_chunk SET (toast_tuple_target = 4080)"
AS_BEFORE = "ALTER TABLE documents_chunk SET (toast_tuple_target = 2400)"


class Migration(migrations.Migration):
    dependencies = [("documents", "0006_embedding_spaces")]

    operations = [migrations.RunSQL(AS_THEY_ARE, AS_BEFORE)]
