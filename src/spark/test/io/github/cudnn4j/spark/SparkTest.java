package io.github.cudnn4j.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Reduction;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.train.Checkpoints;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.SparkException;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cluster of two executors, each a process of its own. */
class SparkTest {
  private static final DeviceChoice DEVICE = DeviceChoice.configured();

  private static SparkSession spark;

  @BeforeAll
  static void start() {
    spark =
        SparkSession.builder()
            .master("local-cluster[2,1,1024]")
            .appName("cudnn4j")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.executor.extraClassPath", System.getProperty("spark.executor.classes"))
            .config("spark.executor.extraJavaOptions", "--enable-native-access=ALL-UNNAMED")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate();
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  /** The label is whether "up" comes before "down", so the order of the words matters. */
  private static Dataset<Row> texts(int count, long seed) {
    Random random = new Random(seed);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<String> words = new ArrayList<>();
      for (int word = 4 + random.nextInt(8); word > 0; word--) {
        words.add("w" + random.nextInt(20));
      }
      boolean rising = random.nextBoolean();
      int first = random.nextInt(words.size() - 1);
      int second = first + 1 + random.nextInt(words.size() - first - 1);
      words.set(first, rising ? "up" : "down");
      words.set(second, rising ? "down" : "up");
      rows.add(RowFactory.create(i, String.join(" ", words), rising ? "rising" : "falling"));
    }
    StructType schema =
        new StructType().add("id", "int").add("text", "string").add("label", "string");
    return spark.createDataFrame(rows, schema);
  }

  private static TextClassifier classifier(int ranks) {
    return new TextClassifier()
        .setDevice(DEVICE)
        .setRanks(ranks)
        .setHidden(32)
        .setLearningRate(0.01)
        .setEpochs(6);
  }

  @Test
  void twoExecutorsLearnTogetherWhatAPipelineThenTells(@TempDir Path folder) throws Exception {
    var pipeline = new Pipeline().setStages(new PipelineStage[] {classifier(2)});
    var model = pipeline.fit(texts(1000, 1));
    Dataset<Row> heldOut = model.transform(texts(300, 2)).cache();
    long right = heldOut.filter("label = prediction").count();
    assertTrue(right >= 285, right + " of 300 are right, must be 285");
    assertEquals(0, heldOut.filter("probability < 0.5 or probability > 1").count());

    Path file = folder.resolve("model.safetensors");
    ((TextClassifierModel) model.stages()[0]).write(file);
    var again = TextClassifierModel.read(file, "text", DEVICE).transform(texts(300, 2));
    assertEquals(
        heldOut.select("id", "prediction").orderBy("id").collectAsList(),
        again.select("id", "prediction").orderBy("id").collectAsList());
  }

  @Test
  void oneRankAndTwoComeToTheSameBits(@TempDir Path folder) throws Exception {
    var rows = texts(200, 3);
    byte[][] weights = new byte[2][];
    for (int ranks = 1; ranks <= 2; ranks++) {
      Path file = folder.resolve("model" + ranks);
      classifier(ranks).setDeterministic(true).setEpochs(2).fit(rows).write(file);
      weights[ranks - 1] = Files.readAllBytes(file);
    }
    assertArrayEquals(weights[0], weights[1]);
  }

  @Test
  void aRankThatFailsEndsTheOthersAndIsToldToTheDriver() {
    var e = assertThrows(SparkException.class, () -> sum(true));
    assertTrue(e.getMessage().contains("this one does not work"), e.getMessage());
    assertEquals(List.of(3f, 3f), sum(false));
  }

  /** Adds 1 and 2 on two ranks, of which the second may fail before. */
  private static List<Float> sum(boolean fails) {
    return SparkRanks.run(
        spark,
        2,
        DEVICE,
        (device, group) -> {
          if (fails && group.rank() == 1) {
            throw new IllegalStateException("this one does not work");
          }
          try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 1)) {
            buffer.copyFrom(new float[] {group.rank() + 1});
            group.reduce(Reduction.SUM, buffer);
            return buffer.toFloats()[0];
          }
        });
  }

  @Test
  void aTrainingGoesOnFromTheFolderOfItsCheckpoints(@TempDir Path folder) throws Exception {
    var rows = texts(200, 4);
    String place = folder.toString();
    classifier(2).setEpochs(2).setCheckpoints(place).fit(rows);
    long first = Checkpoints.in(folder, 1).latest().orElseThrow().step();
    classifier(2).setEpochs(4).setCheckpoints(place).fit(rows);
    assertEquals(2 * first, Checkpoints.in(folder, 1).latest().orElseThrow().step());
  }

  @Test
  void whatCannotBeIsRefusedByName() {
    var rows = texts(10, 5);
    assertEquals(
        "ranks 0, must be at least 1",
        assertThrows(IllegalArgumentException.class, () -> classifier(0).fit(rows)).getMessage());
    var none = spark.sql("select 1 as id, 'a b' as text, cast(null as string) as label");
    assertEquals(
        "column label is null in row 0 of 1",
        assertThrows(IllegalArgumentException.class, () -> classifier(1).fit(none)).getMessage());
    assertThrows(
        IllegalArgumentException.class, () -> classifier(1).setInputCol("words").fit(rows));
  }
}
