package io.github.cudnn4j.spark;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.train.RankGroup;
import io.github.cudnn4j.train.Ranks;
import java.io.IOException;
import java.io.Serializable;
import java.net.ServerSocket;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.sql.SparkSession;
import scala.Function1;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * Ranks that train together as the tasks of one barrier stage: Spark starts all of them at once,
 * and ends them together with an exception if one fails. Each has the GPU that Spark has assigned
 * to its task ({@code spark.task.resource.gpu.amount}), or the one of its number among the ranks of
 * its machine.
 *
 * <p>Executors need the Java option {@code --enable-native-access=ALL-UNNAMED}; on the host device
 * of several machines also the variable {@code NCCL_SOCKET_IFNAME} ({@code spark.executorEnv}),
 * which names the interface by which they reach each other.
 */
public final class SparkRanks {
  private static final int TOKEN_BYTES = 32;

  /** Spark has started all of them, but each still opens its device. */
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private static final String GPU = "gpu";

  private SparkRanks() {}

  /**
   * Runs a task on each rank, and waits for all.
   *
   * @param ranks how many; the application must have as many free slots for tasks at a time
   * @param choice of which kind the devices are
   * @return what each rank has returned, in their order
   * @throws IllegalArgumentException if there is no rank
   */
  public static <T extends Serializable> List<T> run(
      SparkSession spark, int ranks, DeviceChoice choice, RankTask<T> task) {
    if (ranks < 1) {
      throw new IllegalArgumentException("ranks " + ranks + ", must be at least 1");
    }
    byte[] secret = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(secret);
    String token = HexFormat.of().formatHex(secret);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    List<Integer> numbers = IntStream.range(0, ranks).boxed().toList();
    ClassTag<T> type = ClassTag$.MODULE$.apply(Serializable.class);
    Body<Integer, T> body = _ -> runHere(choice, token, task);
    RDD<T> results =
        context.parallelize(numbers, ranks).rdd().barrier().mapPartitions(body, false, type);
    return results.toJavaRDD().collect();
  }

  /** A function of Scala that Java can serialize. */
  private interface Body<S, T> extends Function1<Iterator<S>, Iterator<T>>, Serializable {}

  private static <T extends Serializable> Iterator<T> runHere(
      DeviceChoice choice, String token, RankTask<T> task) {
    try {
      BarrierTaskContext context = BarrierTaskContext.get();
      Ranks ranks = ranks(context, token);
      try (Device device = openDevice(context, choice, ranks);
          RankGroup group = RankGroup.join(device, ranks)) {
        T result;
        try {
          result = task.run(device, group);
        } catch (Exception | Error e) {
          group.abort(e);
          throw e;
        }
        return CollectionConverters.asScala(List.of(result).iterator());
      }
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new RankFailedException(e);
    }
  }

  /** Rank 0 listens at the address by which Spark knows its executor. */
  private static Ranks ranks(BarrierTaskContext context, String token) throws IOException {
    List<String> hosts =
        Stream.of(context.getTaskInfos()).map(info -> host(info.address())).toList();
    int rank = context.partitionId();
    String host = hosts.getFirst();
    String own = rank == 0 ? Integer.toString(freePort()) : "";
    int port = Integer.parseInt(context.allGather(own)[0]);
    int local = (int) hosts.subList(0, rank).stream().filter(hosts.get(rank)::equals).count();
    return new Ranks(rank, hosts.size(), local, host, port, token, LIMIT);
  }

  private static String host(String address) {
    int colon = address.lastIndexOf(':');
    return colon < 0 ? address : address.substring(0, colon);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static Device openDevice(BarrierTaskContext context, DeviceChoice choice, Ranks ranks) {
    ResourceInformation assigned = context.resourcesJMap().get(GPU);
    return choice == DeviceChoice.HOST || assigned == null
        ? ranks.openDevice(choice)
        : Device.open(choice, Integer.parseInt(assigned.addresses()[0]));
  }
}
