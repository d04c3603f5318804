package io.github.cudnn4j.cli;

import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Batches;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Files of records, and how they become batches. */
final class RecordOptions {

  /** Batches among which those of similar length are put together. */
  private static final int BUCKET = 50;

  /** How many labels for a text there are at least only if these have changed places. */
  private static final int EXCHANGED = 10;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "The records, in the form named above.")
  private Path data;

  @Option(
      names = "--validation",
      paramLabel = "FILE",
      description = "Records to validate on, instead of a share of the others.")
  private @Nullable Path validation;

  @Option(
      names = "--batch",
      converter = Limits.PositiveCount.class,
      defaultValue = "32",
      paramLabel = "B",
      description = "Records of a step. Default: ${DEFAULT-VALUE}")
  private int batch;

  /** Reads the records of a file. */
  @FunctionalInterface
  interface Reader<R> {
    List<R> read(String option, Path file) throws IOException;
  }

  /**
   * Records to learn from and to validate on.
   *
   * @param <R> the type of the records
   * @param leftOut how many are in neither
   */
  record Split<R>(List<R> training, List<R> heldOut, int leftOut) {

    /**
     * Leaves out the records that do not fit.
     *
     * @param limit what they are beyond, such as "longer than 2 words"
     * @throws IOException if none is left to learn from
     */
    Split<R> fitting(Predicate<R> fits, String limit) throws IOException {
      Split<R> left =
          new Split<>(
              training.stream().filter(fits).toList(), heldOut.stream().filter(fits).toList(), 0);
      if (left.training.isEmpty()) {
        throw new IOException("there is nothing to learn from: all records are " + limit);
      }
      return new Split<>(
          left.training,
          left.heldOut,
          training.size() + heldOut.size() - left.training.size() - left.heldOut.size());
    }

    /** Returns the records of both. */
    List<R> all() {
      return Stream.concat(training.stream(), heldOut.stream()).toList();
    }

    /** Returns how many are left out, behind a comma; nothing if none is. */
    String leftOut(String limit) {
      return leftOut == 0 ? "" : String.format(Locale.ROOT, ", %,d left out: %s", leftOut, limit);
    }
  }

  /**
   * Reads the records; without a file to validate on, a share of them is drawn for that.
   *
   * @throws IOException if a file cannot be read, or nothing is left to train on
   */
  <R> Split<R> read(Reader<R> reader, RunOptions run) throws IOException {
    List<R> all = reader.read("--data", data);
    if (validation != null) {
      return new Split<>(all, reader.read("--validation", validation), 0);
    }
    List<Integer> order = new ArrayList<>(IntStream.range(0, all.size()).boxed().toList());
    Collections.shuffle(order, new Random(run.seed()));
    int kept = all.size() - (int) (all.size() * run.heldOut());
    return new Split<>(
        order.subList(0, kept).stream().sorted().map(all::get).toList(),
        order.subList(kept, all.size()).stream().sorted().map(all::get).toList(),
        0);
  }

  /**
   * Refuses records in which what is read and what is to be predicted surely have changed places.
   *
   * @throws IOException if there are far more labels than texts
   */
  static void refuseExchanged(
      Collection<String> labels,
      String ofLabels,
      Stream<String> texts,
      String ofTexts,
      String expected)
      throws IOException {
    long different = texts.distinct().count();
    if (labels.size() >= EXCHANGED * different) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%,d different %s for %,d different %s; expected %s",
              labels.size(),
              ofLabels,
              different,
              ofTexts,
              expected));
    }
  }

  boolean hasValidationFile() {
    return validation != null;
  }

  int batch() {
    return batch;
  }

  /** Returns the records to learn from in random order, those of similar length together. */
  <R> BatchSource training(Batches<R> batches, List<R> records, long seed) {
    return batches.over(records).shuffled(seed).bucketed(BUCKET);
  }

  /** Returns the records to validate on, if there are any. */
  <R> @Nullable BatchSource heldOut(Batches<R> batches, List<R> records) {
    return records.isEmpty() ? null : batches.over(records).bucketed(BUCKET);
  }
}
