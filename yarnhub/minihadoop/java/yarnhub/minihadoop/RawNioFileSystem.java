package yarnhub.minihadoop;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * The local file system with modes set by java.nio.
 *
 * <p>Hadoop sets them through libhadoop, which is in no Maven artifact, and forks a chmod for each
 * file without it: minutes for an archive of some ten thousand files.
 */
public class RawNioFileSystem extends RawLocalFileSystem {
  @Override
  public void setPermission(Path path, FsPermission permission) throws IOException {
    try {
      Files.setAttribute(pathToFile(path).toPath(), "unix:mode", (int) permission.toShort());
    } catch (NoSuchFileException e) {
      throw (IOException) new FileNotFoundException(path.toString()).initCause(e);
    }
  }
}
