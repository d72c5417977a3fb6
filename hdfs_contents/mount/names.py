"""The names in directories: makes, deletes and renames what they stand for.

While a file is deleted or renamed, or a directory above it, its content is not published: it would
come back under the former name.
"""

from __future__ import annotations

import errno
import stat

from hadoop_client.hdfs.interface import FileStatus, FileSystem, Writer
from hadoop_client.hdfs.paths import is_unfinished
from hdfs_contents.mount import links, messages
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.inodes import Node
from hdfs_contents.mount.tables import Tables


class Names:
    """Directories are named by their node ids. The methods raise OSError."""

    def __init__(self, fs: FileSystem, tables: Tables, files: OpenFiles) -> None:
        self._fs = fs
        self._tables = tables
        self._files = files

    def path_of(self, parent_id: int, name: str) -> tuple[Node, str]:
        """Return the node of a directory and the path of a name in it, which is not a link."""
        with self._tables:
            parent = self._tables.inodes.get(parent_id)
            path = self._tables.inodes.path_of(parent, name)
            links.refuse(self._tables.links, path)
        return parent, path

    def make_directory(self, parent_id: int, body: messages.Mkdir) -> tuple[Node, FileStatus]:
        """Return the node of its parent, and its status."""
        parent, path = self.path_of(parent_id, body.name)
        if self._fs.exists(path):
            raise FileExistsError(errno.EEXIST, "it already exists", path)
        self._fs.mkdirs(path, body.mode & 0o1777, umask=body.umask)
        return parent, self._fs.stat(path)

    def make_file(self, parent_id: int, body: messages.Mknod) -> tuple[Node, FileStatus]:
        """Return the node of its directory, and its status."""
        if not stat.S_ISREG(body.mode):
            raise PermissionError(errno.EPERM, "HDFS has only files and directories")
        parent, path = self.path_of(parent_id, body.name)
        self.create(parent, path, body).close()
        return parent, self._fs.stat(path)

    def create(self, parent: Node, path: str, body: messages.Mknod | messages.Create) -> Writer:
        """Create a file in HDFS, and open it there."""
        created = self._fs.open_write(path, body.mode & 0o777, umask=body.umask)
        # What had the name before was deleted by another client. Programs may have it open.
        self._detach(parent, body.name)
        return created

    def unlink(self, parent_id: int, name: str) -> None:
        parent, path = self.path_of(parent_id, name)
        node = self._child(parent, name)
        with self._files.held(node):
            if node is not None:
                self._files.keep_content(node)
            self._fs.delete(path)
            self._detach(parent, name)

    def remove_directory(self, parent_id: int, name: str) -> None:
        parent, path = self.path_of(parent_id, name)
        try:
            self._fs.delete(path)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or not self._delete_unfinished(path):
                raise
            self._fs.delete(path)
        self._detach(parent, name)

    def _delete_unfinished(self, path: str) -> bool:
        """Delete this user's unfinished files, if a directory has no others. No listing shows
        them, so it looks empty."""
        entries = self._fs.list_dir(path)
        user = self._fs.user
        if all(is_unfinished(entry.name) and entry.owner == user for entry in entries):
            for entry in entries:
                self._fs.delete(entry.path)
            return True
        return False

    def rename(self, parent_id: int, body: messages.Rename) -> None:
        if body.flags & ~messages.RENAME_NOREPLACE:
            raise OSError(errno.EINVAL, "HDFS cannot exchange two files")
        parent, source = self.path_of(parent_id, body.name)
        new_parent, target = self.path_of(body.new_parent, body.new_name)
        overwrite = not body.flags & messages.RENAME_NOREPLACE
        node, replaced = self._child(parent, body.name), self._child(new_parent, body.new_name)
        with self._files.held(node, replaced):
            draft = self._files.draft_or_none(node) if node else None
            if draft is not None:
                self._files.publish(draft)
            if overwrite and replaced is not None:
                self._files.keep_content(replaced)
            self._fs.rename(source, target, overwrite=overwrite)
            with self._tables:
                self._tables.inodes.rename(parent, body.name, new_parent, body.new_name)

    def _child(self, parent: Node, name: str) -> Node | None:
        with self._tables:
            return self._tables.inodes.child(parent, name)

    def _detach(self, parent: Node, name: str) -> None:
        with self._tables:
            node = self._tables.inodes.child(parent, name)
            if node is not None:
                self._tables.inodes.detach(node)
