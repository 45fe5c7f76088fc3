"""Embeddings without key or network: multilingual-e5-small behind OpenAI's embeddings API.

Start it with ``python -m notebook.stack.embedder --host 127.0.0.1 --port N --cache-dir DIR``.
"""
