import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.tools.CryptoAdmin;
import org.apache.hadoop.hdfs.tools.DFSAdmin;
import org.apache.hadoop.hdfs.tools.DebugAdmin;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.Tool;
import org.apache.hadoop.util.ToolRunner;

/** Runs the classes behind the command hdfs, one call after another in one JVM. */
public class HadoopCommands {
    public static void main(String[] none) throws Exception {
        DataOutputStream answers = new DataOutputStream(System.out);
        DataInputStream calls = new DataInputStream(System.in);
        while (true) {
            String[] call;
            try {
                call = new String[calls.readInt()];
            } catch (EOFException end) {
                return;
            }
            for (int i = 0; i < call.length; i++) {
                call[i] = calls.readUTF();
            }
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            System.setOut(new PrintStream(out, true, "UTF-8"));
            System.setErr(new PrintStream(err, true, "UTF-8"));
            answers.writeInt(run(call));
            for (ByteArrayOutputStream printed : List.of(out, err)) {
                answers.writeInt(printed.size());
                printed.writeTo(answers);
            }
            answers.flush();
        }
    }

    private static int run(String[] call) throws IOException {
        UserGroupInformation user = UserGroupInformation.getCurrentUser();
        HdfsConfiguration configuration = new HdfsConfiguration();
        Map<String, Tool> tools = Map.of(
            "dfs", new FsShell(configuration),
            "dfsadmin", new DFSAdmin(configuration),
            "debug", new DebugAdmin(configuration),
            "crypto", new CryptoAdmin(configuration));
        try {
            return ToolRunner.run(
                configuration, tools.get(call[0]), Arrays.copyOfRange(call, 1, call.length));
        } catch (Exception failure) {
            failure.printStackTrace();
            return 1;
        } finally {
            FileSystem.closeAllForUGI(user);
        }
    }
}
