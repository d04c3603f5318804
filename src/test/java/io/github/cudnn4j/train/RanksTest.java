package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Reduction;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.library.HostControl;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RanksTest {

  private static final String TOKEN = "0123456789abcdef";

  /** Variables as "NAME=value NAME=value", and a token. */
  private static Map<String, String> variables(String text) {
    var variables = new HashMap<String, String>();
    variables.put("CUDNN4J_TOKEN", TOKEN);
    for (String each : text.split(" ")) {
      variables.put(each.substring(0, each.indexOf('=')), each.substring(each.indexOf('=') + 1));
    }
    return variables;
  }

  @ParameterizedTest
  @CsvSource({
    "RANK=2 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=a.b MASTER_PORT=77, 2, 4, 1, a.b, 77",
    "RANK=1 WORLD_SIZE=2, 1, 2, 0, 127.0.0.1, 29500",
    "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1, 1, 2, 1,"
        + " 127.0.0.1, 29500",
    "PMI_RANK=1 PMI_SIZE=2 MPI_LOCALRANKID=1, 1, 2, 1, 127.0.0.1, 29500",
    "SLURM_PROCID=3 SLURM_STEP_NUM_TASKS=4 SLURM_LOCALID=1 MASTER_ADDR=n1, 3, 4, 1, n1, 29500",
    "JOB_COMPLETION_INDEX=1 WORLD_SIZE=2 MASTER_ADDR=job-0.job, 1, 2, 0, job-0.job, 29500",
    // as torchrun of PyTorch 2.13 sets them, whose agent listens at the port
    "RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=localhost MASTER_PORT=41297"
        + " TORCHELASTIC_USE_AGENT_STORE=True, 1, 2, 1, localhost, 41298",
    // srun starts one torchrun on each machine
    "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 RANK=2 WORLD_SIZE=4 LOCAL_RANK=0, 2, 4, 0, 127.0.0.1,"
        + " 29500",
  })
  void eachLauncherIsUnderstood(
      String variables, int rank, int size, int local, String host, int port) throws IOException {
    assertEquals(
        new Ranks(rank, size, local, host, port, TOKEN, Ranks.LIMIT),
        Ranks.of(variables(variables)));
  }

  @Test
  void aloneIsWhoNobodyHasLaunched() throws IOException {
    assertSame(Ranks.ALONE, Ranks.of(Map.of()));
    assertSame(Ranks.ALONE, Ranks.of(Map.of("JOB_COMPLETION_INDEX", "3")));
    // a batch script of Slurm, beside its steps
    assertSame(Ranks.ALONE, Ranks.of(Map.of("SLURM_PROCID", "0", "SLURM_LOCALID", "0")));
    assertEquals(1, Ranks.of(Map.of("RANK", "0", "WORLD_SIZE", "1")).size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "RANK=1 | WORLD_SIZE is not set, but others that belong to it are",
        "WORLD_SIZE=2 | WORLD_SIZE is set, but RANK is not",
        "MASTER_ADDR=x | MASTER_ADDR is set, but RANK is not",
        "JOB_COMPLETION_INDEX=1 MASTER_ADDR=x"
            + " | WORLD_SIZE is not set, but others that belong to it are",
        "PMI_RANK=1 | PMI_SIZE is not set, but others that belong to it are",
        "RANK=2 WORLD_SIZE=2 | RANK is '2', must be a number from 0 to 1",
        "RANK=-1 WORLD_SIZE=2 | RANK is '-1', must be a number from 0 to 1",
        "RANK=one WORLD_SIZE=2 | RANK is 'one', must be a number from 0 to 1",
        "RANK=0 WORLD_SIZE=99999999999 | WORLD_SIZE is '99999999999', must be a number from 1 to"
            + " 65536",
        "RANK=0 WORLD_SIZE=2 LOCAL_RANK=2 | LOCAL_RANK is '2', must be a number from 0 to 1",
        "RANK=0 WORLD_SIZE=2 MASTER_PORT=0 | MASTER_PORT is '0', must be a number from 1 to 65535",
        "RANK=0 WORLD_SIZE=2 CUDNN4J_JOIN_SECONDS=0"
            + " | CUDNN4J_JOIN_SECONDS is '0', must be a number from 1 to 2147483647",
        "RANK=0 WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2"
            + " | RANK is 0, but OMPI_COMM_WORLD_RANK is 1",
        "RANK=0 WORLD_SIZE=2 CUDNN4J_TOKEN=short"
            + " | a token of 5 characters, must have at least 16",
        "RANK=0 WORLD_SIZE=2 CUDNN4J_TOKEN_FILE=f"
            + " | CUDNN4J_TOKEN and CUDNN4J_TOKEN_FILE are both set",
      })
  void whatCannotBeIsRefusedByName(String variables, String message) {
    var e =
        assertThrows(IllegalArgumentException.class, () -> Ranks.of(variables(variables.strip())));
    assertEquals(message, e.getMessage());
  }

  @Test
  void theTokenIsNeededAndNotShown(@TempDir Path folder) throws IOException {
    var variables = new HashMap<>(Map.of("RANK", "0", "WORLD_SIZE", "2"));
    var e = assertThrows(IllegalArgumentException.class, () -> Ranks.of(variables));
    assertEquals(
        "CUDNN4J_TOKEN or CUDNN4J_TOKEN_FILE must be set: a secret that all ranks have and nobody"
            + " else",
        e.getMessage());
    Path file = Files.writeString(folder.resolve("token"), TOKEN + "\n");
    variables.put("CUDNN4J_TOKEN_FILE", file.toString());
    Ranks found = Ranks.of(variables);
    assertEquals(TOKEN, found.token());
    assertFalse(found.toString().contains(TOKEN));
  }

  @Test
  void aLimitThatIsNoneIsRefused() throws IOException {
    for (var limit :
        List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofSeconds(Long.MAX_VALUE))) {
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new Ranks(0, 2, 0, Ranks.HOST, Ranks.PORT, TOKEN, limit));
      assertEquals(
          "limit = " + limit + ", must be above 0 and at most PT2562047H47M16.854775807S",
          e.getMessage());
    }
    assertEquals(
        Duration.ofSeconds(7),
        Ranks.of(variables("RANK=0 WORLD_SIZE=2 CUDNN4J_JOIN_SECONDS=7")).limit());
  }

  /** One that is killed when all have met, before it has joined the communicator. */
  @Test
  void oneThatEndsBeforeItJoinsIsLost() throws Exception {
    var host = HostControl.ifHost();
    assumeTrue(host.isPresent(), "a thread is left to NCCL");
    host.orElseThrow().joinSeconds(2);
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getByName(Ranks.HOST))) {
      port = free.getLocalPort();
    }
    var limit = Duration.ofSeconds(50);
    var first = new Ranks(0, 2, 0, Ranks.HOST, port, TOKEN, limit);
    var second = new Ranks(1, 2, 0, Ranks.HOST, port, TOKEN, limit);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor();
        var device = Device.open()) {
      threads.submit(
          () -> {
            var met = Rendezvous.meet(second, Ranks.VERSION, () -> new byte[0]);
            met.peers().values().forEach(Rendezvous::close);
            return null;
          });
      var e = assertThrows(RankLostException.class, () -> RankGroup.join(device, first));
      assertEquals(
          "rank 1 of 2 has ended: start all ranks again and resume from the newest checkpoint",
          e.getMessage());
      for (var thread : Thread.getAllStackTraces().keySet()) {
        if (thread.getName().equals("cudnn4j-join")) {
          thread.join();
        }
      }
    } finally {
      host.orElseThrow().joinSeconds(60);
    }
  }

  @Test
  void aGroupOfOneIsOfNoUseWhenClosed() throws IOException {
    try (var device = Device.open();
        var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 2)) {
      var group = RankGroup.join(device, Ranks.ALONE);
      group.reduce(Reduction.SUM, buffer);
      group.close();
      group.close();
      for (Executable use :
          List.<Executable>of(
              () -> group.reduce(Reduction.SUM, buffer),
              () -> group.broadcast(buffer),
              () -> group.gather(buffer, buffer),
              () -> group.gather(new byte[1]),
              () -> group.sum(new double[1]),
              () -> group.max(1))) {
        assertEquals(
            "RankGroup is closed", assertThrows(IllegalStateException.class, use).getMessage());
      }
    }
  }

  /** All ranks of a machine share its host device, which is one for each process. */
  @Test
  void aRankOpensADeviceWhereThereIsOnlyOne() {
    assumeTrue(Device.count(DeviceChoice.configured()) == 1, "several devices");
    Ranks second = new Ranks(1, 2, 1, Ranks.HOST, Ranks.PORT, TOKEN, Ranks.LIMIT);
    try (Device device = second.openDevice(DeviceChoice.configured())) {
      assertEquals(0, device.ordinal());
    }
  }
}
