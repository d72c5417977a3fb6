package org.apache.hadoop.io;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;

/**
 * In the place of Hadoop's own, which ends a NodeManager with Kerberos that has no libhadoop as soon
 * as it collects logs; Maven has none. Where its native code would see that nobody has put a link
 * into the place of a log, this just opens it.
 */
public final class SecureIOUtils {
  private SecureIOUtils() {}

  public static FileInputStream openForRead(File file, String owner, String group)
      throws IOException {
    return new FileInputStream(file);
  }
}
