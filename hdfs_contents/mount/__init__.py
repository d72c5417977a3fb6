"""HDFS as a folder: a private FUSE mount in the container, without libfuse, fusermount or root.

- `namespace.enter` runs in the process that becomes the notebook server. It enters a private user
  and mount namespace, mounts, and returns the device that the kernel sends requests to.
- `python -m hdfs_contents.mount --device FD --state FD` serves that device until it is unmounted.
  The application master holds both descriptors, and starts the program again if it dies.

    protocol      the messages of the kernel's FUSE protocol, without I/O
    inodes        the names that the kernel knows, by their node ids
    overlay       the changes to a file that are not in HDFS yet
    readers       the content of HDFS, for handles that read it
    files         open files, and the publication of their content
    names         what is made, deleted and renamed
    operations    the answer to each request
    state         what outlives a killed daemon
    daemon        threads that read requests and send answers
"""
