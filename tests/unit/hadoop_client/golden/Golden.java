// Prints what Hadoop's own classes write, one "name hex" on a line: the contents of golden.txt.
//
//     javac -cp 'LIB/*' -d /tmp Golden.java && java -cp '/tmp:LIB/*' Golden > golden.txt
//
// LIB is the folder of the embedded Hadoop's jars (Hadoop 3.4.2).

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.util.HexFormat;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.hdfs.protocol.proto.ClientNamenodeProtocolProtos.*;
import org.apache.hadoop.hdfs.protocol.proto.AclProtos.FsPermissionProto;
import org.apache.hadoop.hdfs.protocol.proto.HdfsProtos.*;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.WritableUtils;
import org.apache.hadoop.ipc.protobuf.IpcConnectionContextProtos.*;
import org.apache.hadoop.ipc.protobuf.ProtobufRpcEngine2Protos.RequestHeaderProto;
import org.apache.hadoop.ipc.protobuf.RpcHeaderProtos.*;
import org.apache.hadoop.ipc.protobuf.RpcHeaderProtos.RpcRequestHeaderProto.OperationProto;
import org.apache.hadoop.ipc.protobuf.RpcHeaderProtos.RpcResponseHeaderProto.RpcErrorCodeProto;
import org.apache.hadoop.ipc.protobuf.RpcHeaderProtos.RpcResponseHeaderProto.RpcStatusProto;
import org.apache.hadoop.ipc.protobuf.RpcHeaderProtos.RpcSaslProto.*;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.proto.SecurityProtos.*;
import org.apache.hadoop.security.token.Token;
import org.apache.hadoop.security.token.TokenIdentifier;
import org.apache.hadoop.thirdparty.protobuf.ByteString;
import org.apache.hadoop.thirdparty.protobuf.Message;
import org.apache.hadoop.yarn.proto.YarnProtos.*;
import org.apache.hadoop.yarn.proto.YarnServiceProtos.*;

public class Golden {
  static final long TIME = 1700000000000L;
  static final ApplicationIdProto APP =
      ApplicationIdProto.newBuilder().setId(7).setClusterTimestamp(TIME).build();
  static final ApplicationAttemptIdProto ATTEMPT =
      ApplicationAttemptIdProto.newBuilder().setApplicationId(APP).setAttemptId(2).build();
  static final ContainerIdProto CONTAINER =
      ContainerIdProto.newBuilder().setAppAttemptId(ATTEMPT).setId((17L << 40) + 3).build();
  static final ApplicationUpdateTimeoutMapProto TIMEOUT =
      ApplicationUpdateTimeoutMapProto.newBuilder()
          .setApplicationTimeoutType(ApplicationTimeoutTypeProto.APP_TIMEOUT_LIFETIME)
          .setExpireTime("2023-11-14T22:13:20.000+0000").build();
  static final ResourceProto RESOURCE =
      ResourceProto.newBuilder().setMemory(4096).setVirtualCores(3)
          .addResourceValueMap(ResourceInformationProto.newBuilder()
              .setKey("yarn.io/gpu").setValue(2).setUnits("")).build();
  static final NodeIdProto NODE =
      NodeIdProto.newBuilder().setHost("node1").setPort(45454).build();
  static final TokenProto TOKEN =
      TokenProto.newBuilder().setIdentifier(bytes(0, 1, 255)).setPassword(bytes(9, 8))
          .setKind("KIND").setService("10.0.0.1:8032").build();

  static ByteString bytes(int... values) {
    byte[] out = new byte[values.length];
    for (int i = 0; i < out.length; i++) out[i] = (byte) values[i];
    return ByteString.copyFrom(out);
  }

  static PriorityProto priority(int n) {
    return PriorityProto.newBuilder().setPriority(n).build();
  }

  static void print(String name, byte[] data) {
    System.out.println(name + " " + HexFormat.of().formatHex(data));
  }

  static void print(String name, Message message) {
    print(name, message.toByteArray());
  }

  static void print(String name, Message.Builder builder) {
    print(name, builder.build());
  }

  public static void main(String[] args) throws Exception {
    rpc();
    submission();
    requests();
    reports();
    cluster();
    applicationMaster();
    nameNode();
    credentials();
    numbers();
  }

  static void rpc() {
    print("request_packet_header", RpcRequestHeaderProto.newBuilder()
        .setRpcKind(RpcKindProto.RPC_PROTOCOL_BUFFER)
        .setRpcOp(OperationProto.RPC_FINAL_PACKET).setCallId(-33)
        .setClientId(bytes(1, 2, 3)).setRetryCount(-1));
    print("response_header", RpcResponseHeaderProto.newBuilder()
        .setCallId(-33).setStatus(RpcStatusProto.FATAL).setServerIpcVersionNum(9)
        .setExceptionClassName("java.io.IOException").setErrorMsg("why")
        .setErrorDetail(RpcErrorCodeProto.FATAL_UNAUTHORIZED).setClientId(bytes(1))
        .setRetryCount(-1).setStateId(5));
    print("request_header", RequestHeaderProto.newBuilder().setMethodName("getNewApplication")
        .setDeclaringClassProtocolName("a.b.C").setClientProtocolVersion(1));
    print("sasl", RpcSaslProto.newBuilder().setVersion(0).setState(SaslState.NEGOTIATE)
        .setToken(bytes(4)).addAuths(SaslAuth.newBuilder().setMethod("TOKEN")
            .setMechanism("DIGEST-MD5").setProtocol("").setServerId("default")
            .setChallenge(bytes(5, 6)))
        .addAuths(SaslAuth.newBuilder().setMethod("SIMPLE").setMechanism("")));
    print("context", IpcConnectionContextProto.newBuilder()
        .setUserInfo(UserInformationProto.newBuilder().setEffectiveUser("alice")
            .setRealUser("hub")).setProtocol("a.b.C"));
  }

  static void submission() {
    LocalResourceProto resource = LocalResourceProto.newBuilder()
        .setResource(URLProto.newBuilder().setScheme("hdfs").setHost("nn").setPort(8020)
            .setFile("/envs/é.tar.gz"))
        .setSize(5_000_000_000L).setTimestamp(TIME).setType(LocalResourceTypeProto.ARCHIVE)
        .setVisibility(LocalResourceVisibilityProto.PUBLIC).setPattern("*").build();
    ContainerLaunchContextProto launch = ContainerLaunchContextProto.newBuilder()
        .addLocalResources(
            StringLocalResourceMapProto.newBuilder().setKey("environment").setValue(resource))
        .setTokens(bytes(72, 68))
        .addServiceData(StringBytesMapProto.newBuilder().setKey("shuffle").setValue(bytes(1)))
        .addEnvironment(StringStringMapProto.newBuilder().setKey("A").setValue("b"))
        .addCommand("first").addCommand("second")
        .addApplicationACLs(ApplicationACLMapProto.newBuilder()
            .setAccessType(ApplicationAccessTypeProto.APPACCESS_MODIFY_APP).setAcl("alice"))
        .build();
    print("submit", SubmitApplicationRequestProto.newBuilder().setApplicationSubmissionContext(
        ApplicationSubmissionContextProto.newBuilder().setApplicationId(APP)
            .setApplicationName("name").setQueue("q").setPriority(priority(4))
            .setAmContainerSpec(launch).setCancelTokensWhenComplete(true).setMaxAppAttempts(1)
            .setResource(RESOURCE).setApplicationType("yarnhub")
            .addApplicationTags("t1").addApplicationTags("t2")
            .setLogAggregationContext(LogAggregationContextProto.newBuilder()
                .setIncludePattern("a").setExcludePattern("b")
                .setRolledLogsIncludePattern("c").setRolledLogsExcludePattern("d"))
            .setNodeLabelExpression("gpu")
            .addAmContainerResourceRequest(ResourceRequestProto.newBuilder()
                .setPriority(priority(0)).setResourceName("*").setCapability(RESOURCE)
                .setNumContainers(1).setRelaxLocality(true).setNodeLabelExpression("gpu"))
            .addApplicationTimeouts(ApplicationTimeoutMapProto.newBuilder()
                .setApplicationTimeoutType(ApplicationTimeoutTypeProto.APP_TIMEOUT_LIFETIME)
                .setTimeout(3600))));
  }

  static void requests() {
    print("get_applications", GetApplicationsRequestProto.newBuilder()
        .addApplicationTypes("yarnhub").addApplicationStates(YarnApplicationStateProto.RUNNING)
        .addApplicationStates(YarnApplicationStateProto.KILLED).addUsers("alice").addQueues("q")
        .setLimit(10).addApplicationTags("t1"));
    print("kill", KillApplicationRequestProto.newBuilder().setApplicationId(APP)
        .setDiagnostics("why"));
    print("update_timeouts", UpdateApplicationTimeoutsRequestProto.newBuilder()
        .setApplicationId(APP).addApplicationTimeouts(TIMEOUT));
    print("get_report", GetApplicationReportRequestProto.newBuilder().setApplicationId(APP));
    print("get_attempt", GetApplicationAttemptReportRequestProto.newBuilder()
        .setApplicationAttemptId(ATTEMPT));
    print("get_container", GetContainerReportRequestProto.newBuilder().setContainerId(CONTAINER));
    print("get_nodes", GetClusterNodesRequestProto.newBuilder()
        .addNodeStates(NodeStateProto.NS_RUNNING).addNodeStates(NodeStateProto.NS_LOST));
    print("get_queue", GetQueueInfoRequestProto.newBuilder().setQueueName("root")
        .setIncludeApplications(false).setIncludeChildQueues(true).setRecursive(true));
    print("get_token", GetDelegationTokenRequestProto.newBuilder().setRenewer("hub"));
  }

  static void reports() {
    print("report", GetApplicationReportResponseProto.newBuilder().setApplicationReport(
        ApplicationReportProto.newBuilder().setApplicationId(APP).setUser("alice").setQueue("q")
            .setName("name").setHost("host").setRpcPort(40000).setClientToAmToken(TOKEN)
            .setYarnApplicationState(YarnApplicationStateProto.RUNNING).setTrackingUrl("url")
            .setDiagnostics("why").setStartTime(TIME + 1).setFinishTime(TIME + 2)
            .setFinalApplicationStatus(FinalApplicationStatusProto.APP_KILLED)
            .setAppResourceUsage(ApplicationResourceUsageReportProto.newBuilder()
                .setNumUsedContainers(1).setUsedResources(RESOURCE).setMemorySeconds(99))
            .setOriginalTrackingUrl("original").setCurrentApplicationAttemptId(ATTEMPT)
            .setProgress(0.5f).setApplicationType("yarnhub").setAmRmToken(TOKEN)
            .addApplicationTags("t1").addApplicationTags("t2")
            .setLogAggregationStatus(LogAggregationStatusProto.LOG_RUNNING)
            .setUnmanagedApplication(false).setPriority(priority(4))
            .setAppNodeLabelExpression("x").addAppTimeouts(AppTimeoutsMapProto.newBuilder()
                .setApplicationTimeoutType(ApplicationTimeoutTypeProto.APP_TIMEOUT_LIFETIME)
                .setApplicationTimeout(ApplicationTimeoutProto.newBuilder()
                    .setApplicationTimeoutType(ApplicationTimeoutTypeProto.APP_TIMEOUT_LIFETIME)
                    .setExpireTime("UNLIMITED").setRemainingTime(55)))
            .setLaunchTime(TIME + 3).setSubmitTime(TIME + 4).setRmClusterId("cluster")));
    print("attempt_report", GetApplicationAttemptReportResponseProto.newBuilder()
        .setApplicationAttemptReport(ApplicationAttemptReportProto.newBuilder()
            .setApplicationAttemptId(ATTEMPT).setHost("host").setRpcPort(40000)
            .setTrackingUrl("url").setDiagnostics("why").setYarnApplicationAttemptState(
                YarnApplicationAttemptStateProto.APP_ATTEMPT_LAUNCHED)
            .setAmContainerId(CONTAINER).setOriginalTrackingUrl("original")
            .setStartTime(TIME + 1).setFinishTime(TIME + 2)));
    print("container_report", GetContainerReportResponseProto.newBuilder()
        .setContainerReport(ContainerReportProto.newBuilder().setContainerId(CONTAINER)
            .setResource(RESOURCE).setNodeId(NODE).setPriority(priority(4))
            .setCreationTime(TIME + 1).setFinishTime(TIME + 2).setDiagnosticsInfo("why")
            .setLogUrl("log").setContainerExitStatus(-104)
            .setContainerState(ContainerStateProto.C_COMPLETE).setNodeHttpAddress("node1:8042")
            .setExecutionType(ExecutionTypeProto.GUARANTEED)));
  }

  static void cluster() {
    print("new_application", GetNewApplicationResponseProto.newBuilder().setApplicationId(APP)
        .setMaximumCapability(RESOURCE));
    print("nodes", GetClusterNodesResponseProto.newBuilder().addNodeReports(
        NodeReportProto.newBuilder().setNodeId(NODE).setHttpAddress("node1:8042")
            .setRackName("/rack").setUsed(RESOURCE).setCapability(RESOURCE).setNumContainers(6)
            .setNodeState(NodeStateProto.NS_UNHEALTHY).setHealthReport("ill")
            .setLastHealthReportTime(TIME).addNodeLabels("gpu").setDecommissioningTimeout(3)));
    print("labels", GetClusterNodeLabelsResponseProto.newBuilder().addDeprecatedNodeLabels("gpu")
        .addNodeLabels(NodeLabelProto.newBuilder().setName("gpu").setIsExclusive(false)));
    QueueInfoProto child = QueueInfoProto.newBuilder().setQueueName("child").setCapacity(0.25f)
        .setMaximumCapacity(0.5f).setCurrentCapacity(0.75f).setState(QueueStateProto.Q_STOPPED)
        .addAccessibleNodeLabels("*").setQueueStatistics(QueueStatisticsProto.newBuilder()
            .setNumAppsSubmitted(1).setNumAppsRunning(2).setNumAppsPending(3)
            .setAvailableMemoryMB(8).setAllocatedMemoryMB(9).setAvailableVCores(12)
            .setAllocatedVCores(13))
        .setQueuePath("root.child").build();
    print("queue", GetQueueInfoResponseProto.newBuilder().setQueueInfo(QueueInfoProto.newBuilder()
        .setQueueName("root").setState(QueueStateProto.Q_RUNNING).addChildQueues(child)
        .setQueuePath("root")));
    print("metrics", GetClusterMetricsResponseProto.newBuilder().setClusterMetrics(
        YarnClusterMetricsProto.newBuilder().setNumNodeManagers(1).setNumDecommissionedNms(2)
            .setNumActiveNms(3).setNumLostNms(4).setNumUnhealthyNms(5).setNumRebootedNms(6)));
    print("token", GetDelegationTokenResponseProto.newBuilder().setToken(TOKEN));
    print("killed", KillApplicationResponseProto.newBuilder().setIsKillCompleted(true));
    print("updated_timeouts", UpdateApplicationTimeoutsResponseProto.newBuilder()
        .addApplicationTimeouts(TIMEOUT));
  }

  static void applicationMaster() {
    print("register", RegisterApplicationMasterRequestProto.newBuilder().setHost("host")
        .setRpcPort(-1).setTrackingUrl("url"));
    print("registered", RegisterApplicationMasterResponseProto.newBuilder()
        .setMaximumCapability(RESOURCE).setQueue("q")
        .addSchedulerResourceTypes(SchedulerResourceTypes.CPU));
    print("allocate", AllocateRequestProto.newBuilder().setResponseId(5).setProgress(0.5f)
        .setTrackingUrl("url"));
    print("allocated", AllocateResponseProto.newBuilder().setAMCommand(AMCommandProto.AM_SHUTDOWN)
        .setResponseId(6).setLimit(RESOURCE).setNumClusterNodes(3)
        .setAmRmToken(TOKEN).setApplicationPriority(priority(4)));
    print("finish", FinishApplicationMasterRequestProto.newBuilder().setDiagnostics("why")
        .setTrackingUrl("url")
        .setFinalApplicationStatus(FinalApplicationStatusProto.APP_FAILED));
    print("finished", FinishApplicationMasterResponseProto.newBuilder().setIsUnregistered(true));
  }

  static void nameNode() {
    print("get_file", GetFileInfoRequestProto.newBuilder().setSrc("/a"));
    print("mkdirs", MkdirsRequestProto.newBuilder().setSrc("/a")
        .setMasked(FsPermissionProto.newBuilder().setPerm(0700)).setCreateParent(true));
    print("made", MkdirsResponseProto.newBuilder().setResult(true));
    print("set_owner", SetOwnerRequestProto.newBuilder().setSrc("/a").setUsername("alice")
        .setGroupname("staff"));
    print("set_quota", SetQuotaRequestProto.newBuilder().setPath("/a").setNamespaceQuota(1000)
        .setStoragespaceQuota(5_000_000_000L));
    print("keep_quota", SetQuotaRequestProto.newBuilder().setPath("/a")
        .setNamespaceQuota(HdfsConstants.QUOTA_DONT_SET)
        .setStoragespaceQuota(HdfsConstants.QUOTA_DONT_SET));
    print("delete", DeleteRequestProto.newBuilder().setSrc("/a").setRecursive(true));
    print("deleted", DeleteResponseProto.newBuilder().setResult(true));
    print("is_closed", IsFileClosedRequestProto.newBuilder().setSrc("/a"));
    print("closed", IsFileClosedResponseProto.newBuilder().setResult(true));
    print("file", GetFileInfoResponseProto.newBuilder().setFs(HdfsFileStatusProto.newBuilder()
        .setFileType(HdfsFileStatusProto.FileType.IS_DIR).setPath(bytes(97)).setLength(5_000_000_000L)
        .setPermission(FsPermissionProto.newBuilder().setPerm(0755)).setOwner("alice")
        .setGroup("staff").setModificationTime(TIME + 1).setAccessTime(TIME + 2)
        .setBlockReplication(3).setBlocksize(134217728).setFileId(16386)));
  }

  static void credentials() throws Exception {
    Credentials credentials = new Credentials();
    credentials.addToken(new Text("alias-é"), new Token<TokenIdentifier>(
        new byte[] {0, 1, -1}, new byte[] {9, 8}, new Text("HDFS_DELEGATION_TOKEN"),
        new Text("10.0.0.1:8020")));
    credentials.addSecretKey(new Text("payload"), new byte[200]);
    for (Credentials.SerializedFormat format : Credentials.SerializedFormat.values()) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      credentials.writeTokenStorageToStream(new DataOutputStream(out), format);
      print("credentials_" + format.name().toLowerCase(), out.toByteArray());
    }
  }

  static void numbers() throws Exception {
    long[] values = {0, 1, 127, 128, 255, 256, 65535, 65536, Integer.MAX_VALUE, Long.MAX_VALUE,
        -1, -112, -113, -128, -256, -257, Integer.MIN_VALUE, Long.MIN_VALUE};
    for (long value : values) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      WritableUtils.writeVLong(new DataOutputStream(out), value);
      print("vint:" + value, out.toByteArray());
    }
  }
}
