package yarnhub.minihadoop;

import org.apache.hadoop.fs.LocalFileSystem;

/** What {@code fs.file.impl} names: {@link RawNioFileSystem} under the usual checksums. */
public class NioLocalFileSystem extends LocalFileSystem {
  public NioLocalFileSystem() {
    super(new RawNioFileSystem());
  }
}
