package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.tape.Tape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the tapes of a step's shards keep from one step to the next, as a file has it: the carried
 * states of all rows of a batch, whoever has computed them, and the generators of each shard.
 */
final class ShardStates {

  private final int batch;
  private final int shards;
  private final int first;
  private final int local;

  /** One piece of one tape's state; the bytes of carried states are those of doubles. */
  private record Piece(
      int shape,
      int shard,
      int place,
      boolean carried,
      boolean isDouble,
      int width,
      byte[] bytes) {}

  private final List<Piece> pieces = new ArrayList<>();

  /**
   * Begins without states.
   *
   * @param batch the rows of a whole batch
   * @param shards into how many it is divided
   * @param first the first of them that is here
   * @param local how many are here
   */
  ShardStates(int batch, int shards, int first, int local) {
    this.batch = batch;
    this.shards = shards;
    this.first = first;
    this.local = local;
  }

  /** Tells whether a file has any for batches of a shape. */
  static boolean areIn(SafeTensors file, int shape) {
    return file.contains(generator(shape, 0, 0)) || file.contains(carried(shape, 0));
  }

  /** Takes the states of one of the tapes here; waits for the device. */
  void add(int shape, int shard, Tape tape) {
    List<DeviceBuffer> states = tape.carriedStates();
    for (int i = 0; i < states.size(); i++) {
      double[] values = doubles(states.get(i));
      var bytes = ByteBuffer.allocate(values.length * Double.BYTES);
      bytes.asDoubleBuffer().put(values);
      boolean isDouble = states.get(i).type() == ElementType.FLOAT64;
      int width = tape.carriedWidths().get(i);
      pieces.add(new Piece(shape, shard, i, true, isDouble, width, bytes.array()));
    }
    List<byte[]> generators = tape.generatorStates();
    for (int i = 0; i < generators.size(); i++) {
      pieces.add(new Piece(shape, shard, i, false, false, 0, generators.get(i)));
    }
  }

  /** Adds those of all ranks to a file. */
  void save(SafeTensorsWriter file, @Nullable RankGroup group) {
    var own = new ByteArrayOutputStream();
    pieces.forEach(piece -> own.writeBytes(piece.bytes));
    byte[][] ranks =
        group == null ? new byte[][] {own.toByteArray()} : group.gather(own.toByteArray());
    int at = 0;
    for (Piece piece : pieces) {
      int end = at + piece.bytes.length;
      if (!piece.carried) {
        for (int rank = 0; rank < ranks.length; rank++) {
          byte[] bytes = Arrays.copyOfRange(ranks[rank], at, end);
          String name = generator(piece.shape, piece.place, rank * local + piece.shard);
          file.add(name, new long[] {bytes.length}, bytes);
        }
      }
      at = end;
    }
    for (Piece piece : pieces) {
      if (piece.carried && piece.shard == 0) {
        saveCarried(file, piece, ranks);
      }
    }
  }

  /** Puts the rows of all shards together. */
  private void saveCarried(SafeTensorsWriter file, Piece one, byte[][] ranks) {
    int rows = batch / shards;
    int layers = one.bytes.length / Double.BYTES / rows / one.width;
    double[] whole = new double[layers * batch * one.width];
    int at = 0;
    for (Piece piece : pieces) {
      if (piece.carried && piece.shape == one.shape && piece.place == one.place) {
        for (int rank = 0; rank < ranks.length; rank++) {
          var values = ByteBuffer.wrap(ranks[rank], at, piece.bytes.length).asDoubleBuffer();
          int shard = rank * local + piece.shard;
          for (int i = 0; i < values.capacity(); i++) {
            whole[place(i, shard, rows, one.width)] = values.get(i);
          }
        }
      }
      at += piece.bytes.length;
    }
    String name = carried(one.shape, one.place);
    if (one.isDouble) {
      file.add(name, new long[] {whole.length}, whole);
    } else {
      file.add(name, new long[] {whole.length}, floats(whole));
    }
  }

  /** Returns where in {@code [L, B, H]} an element of a shard's {@code [L, B/S, H]} is. */
  private int place(int index, int shard, int rows, int width) {
    int column = index % width;
    int row = index / width % rows;
    int layer = index / width / rows;
    return (layer * batch + row * shards + shard) * width + column;
  }

  /**
   * Checks that the carried states of a shape fit.
   *
   * @throws IOException if the file is of another model or batch
   */
  void check(SafeTensors file, int shape, Tape tape) throws IOException {
    List<DeviceBuffer> states = tape.carriedStates();
    for (int i = 0; i < states.size(); i++) {
      requireSize(file, carried(shape, i), states.get(i).elements() * shards);
    }
  }

  /**
   * Restores the carried states of one of the tapes here.
   *
   * @throws IOException if reading fails
   */
  void loadCarried(SafeTensors file, int shape, int shard, Tape tape) throws IOException {
    List<DeviceBuffer> states = tape.carriedStates();
    for (int i = 0; i < states.size(); i++) {
      DeviceBuffer state = states.get(i);
      double[] whole = file.doubles(carried(shape, i));
      double[] own = new double[Math.toIntExact(state.elements())];
      for (int e = 0; e < own.length; e++) {
        own[e] = whole[place(e, first + shard, batch / shards, tape.carriedWidths().get(i))];
      }
      if (state.type() == ElementType.FLOAT64) {
        state.copyFrom(own);
      } else {
        state.copyFrom(floats(own));
      }
    }
  }

  /**
   * Restores the generators of one of the tapes here; they stay as they are if the file is of
   * another number of shards.
   *
   * @throws IOException if reading fails, or the file is of another model
   */
  void loadGenerators(SafeTensors file, int shape, int shard, Tape tape) throws IOException {
    boolean same =
        !file.contains(generator(shape, 0, shards))
            && file.contains(generator(shape, 0, 0))
                == file.contains(generator(shape, 0, shards - 1));
    if (!same) {
      return;
    }
    var generators = new ArrayList<byte[]>();
    while (file.contains(generator(shape, generators.size(), first + shard))) {
      generators.add(file.bytes(generator(shape, generators.size(), first + shard)));
    }
    try {
      tape.restoreGeneratorStates(generators);
    } catch (IllegalArgumentException e) {
      throw new IOException("the file is of another model: " + e.getMessage(), e);
    }
  }

  static void put(SafeTensorsWriter file, String name, DeviceBuffer buffer) {
    long[] shape = {buffer.elements()};
    if (buffer.type() == ElementType.FLOAT64) {
      file.add(name, shape, buffer.toDoubles());
    } else {
      file.add(name, shape, buffer.toFloats());
    }
  }

  static void requireSize(SafeTensors file, String name, long elements) throws IOException {
    if (file.elements(name) != elements) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s has %d elements in the file, needed are %d",
              name,
              file.elements(name),
              elements));
    }
  }

  static void get(SafeTensors file, String name, DeviceBuffer buffer) throws IOException {
    if (buffer.type() == ElementType.FLOAT64) {
      buffer.copyFrom(file.doubles(name));
    } else {
      buffer.copyFrom(file.floats(name));
    }
  }

  private static double[] doubles(DeviceBuffer buffer) {
    if (buffer.type() == ElementType.FLOAT64) {
      return buffer.toDoubles();
    }
    float[] floats = buffer.toFloats();
    double[] doubles = new double[floats.length];
    Arrays.setAll(doubles, i -> floats[i]);
    return doubles;
  }

  private static float[] floats(double[] doubles) {
    float[] floats = new float[doubles.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) doubles[i];
    }
    return floats;
  }

  private static String carried(int shape, int place) {
    return "carried." + shape + "." + place;
  }

  /** That of the first shard has the name that it has without shards. */
  private static String generator(int shape, int place, int shard) {
    String name = "generator." + shape + "." + place;
    return shard == 0 ? name : name + "." + shard;
  }
}
