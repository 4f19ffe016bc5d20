"""Image archives: what ``docker save``, ``podman save``, ``skopeo`` and others write, in and out.

Reading, when the archive comes as a stream (once, front to end)::

    documents = read_archive(stream, take)       # reader.py; take: Callable[[BlobMember], None]
    documents.names                              # of the images in it, for messages
    image = documents.choose(name, platform)     # FoundImage; name: None or as a user types it

``take`` is called for every member that may be a layer, and reads of it what it wants. Reading,
when the archive is a plain file in which one can seek::

    archive = open_archive(file)                 # random_access.py; None: compressed, or a pipe
    image = archive.documents.choose(name, platform)
    for layer in image.layers:
        content = archive.open(layer.path)       # a Readable; archive.place(layer.path) tells
                                                 # offset_bytes and size_bytes in the file

A small layer whose bytes look like JSON is kept with the documents: ``take`` does not see it, and
``documents.kept(layer.path)`` has its bytes (None for what ``take`` saw). After the layers,
``make_manifest(image, layers)`` (manifests.py) says what the image's manifest is, where ``layers``
are descriptors of what the layers' blobs came to be, lowest first. All raise InvalidImage, with a
hint where the user can do something.
"""

from au2.oci.archive.writer import write_docker_archive

__all__ = ["write_docker_archive"]
