package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShardsTest {

  private record Item(int[] words, int mood, float[] vector) {}

  private static List<Item> items(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                new Item(
                    IntStream.range(0, 1 + i % 7).map(t -> 10 * i + t).toArray(),
                    i,
                    new float[] {i, -i, 0.5f * i}))
        .toList();
  }

  /** All of a batch as it arrives, row by row. */
  private record Row(List<Integer> words, int length, int mood, List<Float> vector, int counted) {}

  private static List<List<Row>> batches(Device device, BatchSource source, long skip)
      throws IOException {
    var batches = new ArrayList<List<Row>>();
    try (var feed = Feed.create(device, Precision.FP32, source.layout());
        var tape = Tape.inference(device, Precision.FP32)) {
      var epoch = source.epoch(new SavableRandom(1));
      epoch.skip(skip);
      feed.start(epoch);
      for (int shape = feed.next(0); shape >= 0; shape = feed.next(0)) {
        feed.fetch(shape);
        feed.done();
        Batch batch = feed.batch(tape, shape);
        int[] words = batch.tokens("words").buffer().toInts();
        int[] moods = batch.labels("mood").buffer().toInts();
        int[] counted = batch.counted().buffer().toInts();
        float[] vectors = batch.vector("vector").value().toFloats();
        int[] lengths = batch.lengths("words").buffer().toInts();
        int rows = batch.size();
        var all = new ArrayList<Row>();
        for (int b = 0; b < rows; b++) {
          int row = b;
          all.add(
              new Row(
                  IntStream.range(0, words.length / rows)
                      .mapToObj(t -> words[t * rows + row])
                      .toList(),
                  lengths[b],
                  moods[b],
                  List.of(vectors[3 * b], vectors[3 * b + 1], vectors[3 * b + 2]),
                  counted[b]));
        }
        batches.add(all);
      }
    }
    return batches;
  }

  private static BatchSource source(int batch, int count) {
    return Batches.<Item>of(batch)
        .tokens("words", 9, Item::words)
        .label("mood", Item::mood)
        .vector("vector", 3, Item::vector)
        .over(items(count))
        .shuffled(3)
        .bucketed(2);
  }

  @Test
  void everyRowIsInOneShard() throws IOException {
    try (var device = Device.open()) {
      var source = source(6, 20);
      var whole = batches(device, source, 0);
      for (int count : List.of(1, 3)) {
        for (int first = 0; first < 3; first += count) {
          var shards = Shards.of(source, 3, first, count);
          assertEquals(count * source.batches(), shards.batches());
          assertEquals(source.identity(), shards.identity());
          var parts = batches(device, shards, 0);
          assertEquals(whole.size() * count, parts.size());
          for (int i = 0; i < parts.size(); i++) {
            var batch = whole.get(i / count);
            int shard = first + i % count;
            assertEquals(List.of(batch.get(shard), batch.get(shard + 3)), parts.get(i));
          }
          assertEquals(parts.subList(2 * count, parts.size()), batches(device, shards, 2L * count));
        }
      }
    }
  }

  @Test
  void theStepsOfAllShardsAreThoseOfTheBatch() throws IOException {
    try (var device = Device.open()) {
      long steps = 0;
      for (int shard = 0; shard < 3; shard++) {
        var source = Shards.of(source(6, 6), 3, shard, 1);
        try (var feed = Feed.create(device, Precision.FP32, source.layout())) {
          feed.start(source.epoch(new SavableRandom(1)));
          feed.next(0);
          steps += feed.steps();
        }
      }
      assertEquals(items(6).stream().mapToInt(item -> item.words.length).sum(), steps);
    }
  }

  @Test
  void whatCannotBeDividedIsRefused() {
    var e = assertThrows(IllegalArgumentException.class, () -> Shards.of(source(6, 6), 4, 0, 1));
    assertEquals("a batch of 6 rows cannot be divided among 4", e.getMessage());
    assertThrows(IndexOutOfBoundsException.class, () -> Shards.of(source(6, 6), 3, 2, 2));
    var none = assertThrows(IllegalArgumentException.class, () -> Shards.of(source(6, 6), 3, 0, 0));
    assertEquals("count is 0, must be 1 or more", none.getMessage());
  }
}
