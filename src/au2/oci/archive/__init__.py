"""Image archives of ``docker save``, ``podman save``, ``skopeo`` and others, read and written.

Reading an archive as a stream (once, front to end)::

    documents = read_archive(stream, take)       # reader.py; take: Callable[[BlobMember], None]
    documents.names                              # of the images, for messages
    image = documents.choose(name, platform)     # ArchivedImage; name: None or as a user types it

``take`` is called for every member that may be a layer, and reads as much of each as needed.
Reading an archive in a plain, seekable file::

    archive = open_archive(file)                 # reader.py; None: compressed, or a pipe
    image = archive.documents.choose(name, platform)
    for layer in image.layers:
        content = archive.open(layer.path)       # a Readable
        content_range = archive.byte_range(layer.path)  # offset_bytes and size_bytes in the file

A small layer whose bytes look like JSON is kept with the documents: ``take`` does not see such a
layer, and ``documents.kept(layer.path)`` has its bytes (None for all others). After the layers,
``make_manifest(image, layers)`` (archived_image.py) returns the image's manifest, where ``layers``
are descriptors of the stored layers, lowest first. All raise InvalidImage, with a hint where the
user can do something.
"""
