package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.ProbeQuestion.answer;
import static io.github.cudnn4j.host.ProbeQuestion.outcome;
import static io.github.cudnn4j.host.ProbeQuestion.summary;
import static io.github.cudnn4j.host.ProbeQuestion.words;
import static io.github.cudnn4j.host.RawCudnn.succeed;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;

/** Questions to descriptors and about sizes and places; nothing is computed. */
final class ProbeDescriptors {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final int[] CELLS = {
    Cudnn.CUDNN_RNN_TANH(), Cudnn.CUDNN_LSTM(), Cudnn.CUDNN_GRU()
  };

  static final List<ProbeQuestion> QUESTIONS =
      List.of(
          new ProbeQuestion(
              "short-request",
              "What if cudnnGetRNNDataDescriptor is asked for fewer lengths than there are?",
              "SUCCESS",
              ProbeDescriptors::shortRequest),
          new ProbeQuestion(
              "projection-id",
              "What does cudnnGetRNNWeightParams say of ID 2·gates without a projection?",
              "SUCCESS, absent",
              cudnn -> linearLayer(cudnn, 0)),
          new ProbeQuestion(
              "id-out-of-range",
              "And of ID 2·gates + 1?",
              "BAD_PARAM",
              cudnn -> linearLayer(cudnn, 1)),
          new ProbeQuestion(
              "weight-order",
              "In which order does the weight space hold its parameters?",
              "matrices by layer and ID, then biases by layer and ID, no gaps",
              ProbeDescriptors::weightOrder),
          new ProbeQuestion(
              "skip-weights",
              "What does skip input leave of layer 0's input weights?",
              "matrix absent, bias present",
              ProbeDescriptors::skipWeights),
          new ProbeQuestion(
              "skip-size-mismatch",
              "Who refuses skip input with inputSize 5 and hiddenSize 4?",
              "WeightSpaceSize, TempSpaceSizes: SUCCESS; Forward: BAD_PARAM",
              ProbeDescriptors::skipMismatch),
          new ProbeQuestion(
              "spaces",
              "How do workspace and reserve of training and inference compare?",
              "reserve only in training, workspace not smaller in training",
              ProbeDescriptors::spaces));

  private ProbeDescriptors() {}

  private static Answer shortRequest(RawCudnn cudnn) {
    var data = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 4, 5, NONE, 4, 3, 2);
    var out = cudnn.arena.allocate(64);
    var lengths = cudnn.ints(-1, -1, -1);
    return answer(
        Cudnn.cudnnGetRNNDataDescriptor(
            data,
            out,
            out.asSlice(8),
            out.asSlice(16),
            out.asSlice(24),
            out.asSlice(32),
            1,
            lengths,
            out.asSlice(40)));
  }

  /** One parameter: offsets in elements from the start of the weight space, -1 for none. */
  record Slot(int status, long matrix, long matrixElements, long bias, long biasElements) {
    boolean hasMatrix() {
      return matrix >= 0;
    }

    boolean hasBias() {
      return bias >= 0;
    }
  }

  static Slot slot(RawRnn rnn, int pseudoLayer, int id) {
    var cudnn = rnn.cudnn;
    var matrix = cudnn.tensor();
    var bias = cudnn.tensor();
    var addresses = cudnn.arena.allocate(NativeTypes.C_POINTER, 2);
    int status =
        Cudnn.cudnnGetRNNWeightParams(
            rnn.handle,
            rnn.rnn,
            pseudoLayer,
            rnn.weightBytes,
            rnn.weights,
            id,
            matrix,
            addresses,
            bias,
            addresses.asSlice(NativeTypes.C_POINTER.byteSize()));
    if (status != Cudnn.CUDNN_STATUS_SUCCESS()) {
      return new Slot(status, -1, 0, -1, 0);
    }
    long first = offset(rnn, addresses.getAtIndex(NativeTypes.C_POINTER, 0));
    long second = offset(rnn, addresses.getAtIndex(NativeTypes.C_POINTER, 1));
    return new Slot(
        status,
        first,
        first < 0 ? 0 : elements(cudnn, matrix),
        second,
        second < 0 ? 0 : elements(cudnn, bias));
  }

  private static long offset(RawRnn rnn, MemorySegment address) {
    return address.address() == 0
        ? -1
        : (address.address() - rnn.weights.address()) / RawCudnn.bytes(rnn.type, 1);
  }

  private static long elements(RawCudnn cudnn, MemorySegment tensor) {
    var out = cudnn.arena.allocate(8);
    var extents = cudnn.ints(1, 1, 1);
    succeed(
        Cudnn.cudnnGetTensorNdDescriptor(
            tensor, 3, out, out.asSlice(4), extents, cudnn.ints(0, 0, 0)));
    long product = 1;
    for (int d = 0; d < 3; d++) {
      product *= extents.getAtIndex(ValueLayout.JAVA_INT, d);
    }
    return product;
  }

  private static Answer linearLayer(RawCudnn cudnn, int beyond) {
    var answers = new LinkedHashMap<String, String>();
    var details = new ArrayList<String>();
    for (int cell : CELLS) {
      var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT).cell(cell).layers(1, false));
      var slot = slot(rnn, 0, 2 * gates(cell) + beyond);
      String outcome = outcome(slot.status);
      if (outcome.equals("SUCCESS")) {
        outcome += slot.hasMatrix() || slot.hasBias() ? ", there" : ", absent";
      }
      answers.put("cell " + cell, outcome);
      details.add(words(slot.status));
    }
    return new Answer(summary(answers), details.getFirst());
  }

  static int gates(int cell) {
    return cell == Cudnn.CUDNN_LSTM() ? 4 : cell == Cudnn.CUDNN_GRU() ? 3 : 1;
  }

  private static Answer weightOrder(RawCudnn cudnn) {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT).sizes(5, 4, 3));
    var places = new ArrayList<Place>();
    for (int layer = 0; layer < 4; layer++) {
      for (int id = 0; id <= 8; id++) {
        var slot = slot(rnn, layer, id);
        succeed(slot.status);
        if (slot.hasMatrix()) {
          places.add(new Place(slot.matrix, slot.matrixElements, "matrix", layer, id));
        }
        if (slot.hasBias()) {
          places.add(new Place(slot.bias, slot.biasElements, "bias", layer, id));
        }
      }
    }
    places.sort(Comparator.comparingLong(Place::offset));
    long end = 0;
    boolean gaps = false;
    for (var place : places) {
      gaps |= place.offset != end;
      end = place.offset + place.elements;
    }
    gaps |= end != rnn.weightElements();
    var byKind = new ArrayList<>(places);
    byKind.sort(
        Comparator.comparing(Place::kind)
            .reversed()
            .thenComparingInt(Place::layer)
            .thenComparingInt(Place::id));
    String order =
        byKind.equals(places)
            ? "matrices by layer and ID, then biases by layer and ID"
            : "another order";
    boolean plain = byKind.equals(places) && !gaps;
    return new Answer(order + (gaps ? ", gaps" : ", no gaps"), plain ? "" : places.toString());
  }

  private record Place(long offset, long elements, String kind, int layer, int id) {
    @Override
    public String toString() {
      return "%d %s %d/%d".formatted(offset, kind, layer, id);
    }
  }

  private static Answer skipWeights(RawCudnn cudnn) {
    var answers = new LinkedHashMap<String, String>();
    for (int cell : CELLS) {
      var rnn =
          new RawRnn(
              cudnn, Setup.lstm(FLOAT).cell(cell).layers(1, false).sizes(4, 4, 4).skipsInput(true));
      for (int id = 0; id < gates(cell); id++) {
        var slot = slot(rnn, 0, id);
        succeed(slot.status);
        answers.put(
            "cell " + cell + " ID " + id,
            "matrix %s, bias %s".formatted(presence(slot.hasMatrix()), presence(slot.hasBias())));
      }
    }
    return new Answer(summary(answers));
  }

  private static String presence(boolean present) {
    return present ? "present" : "absent";
  }

  private static Answer skipMismatch(RawCudnn cudnn) {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT));
    succeed(
        RawRnn.set(rnn.rnn, rnn.setup.skipsInput(true), NONE, Cudnn.CUDNN_RNN_PADDED_IO_ENABLED()));
    var out = cudnn.arena.allocate(16);
    var answers = new LinkedHashMap<String, String>();
    answers.put(
        "WeightSpaceSize", outcome(Cudnn.cudnnGetRNNWeightSpaceSize(rnn.handle, rnn.rnn, out)));
    answers.put("TempSpaceSizes", outcome(rnn.spaces(out, out.asSlice(8))));
    int forward = rnn.forward();
    answers.put("Forward", outcome(forward));
    return new Answer(summary(answers), words(forward));
  }

  private static Answer spaces(RawCudnn cudnn) {
    var details = new ArrayList<String>();
    boolean reserveOnlyInTraining = true;
    boolean trainingNotSmaller = true;
    var one = Setup.lstm(FLOAT).layers(1, false);
    var networks = new LinkedHashMap<String, Setup>();
    networks.put("28→256 B32 T35", one.sizes(28, 256, 256).sequences(UNPACKED, 35, full(35, 32)));
    networks.put("512→512 B64 T25", one.sizes(512, 512, 512).sequences(UNPACKED, 25, full(25, 64)));
    networks.put("T1 of it", one.sizes(512, 512, 512).sequences(UNPACKED, 1, full(1, 64)));
    for (var network : networks.entrySet()) {
      var rnn = new RawRnn(cudnn, network.getValue());
      rnn.forwardMode = Cudnn.CUDNN_FWD_MODE_INFERENCE();
      long work = cudnn.size(size -> rnn.spaces(size, NONE));
      long reserve = cudnn.size(size -> rnn.spaces(NONE, size));
      reserveOnlyInTraining &= reserve == 0 && rnn.reserveBytes > 0;
      trainingNotSmaller &= rnn.workBytes >= work;
      details.add(
          "LSTM %s: weights %,d, workspace %,d and reserve %,d in training, %,d and %,d else"
              .formatted(
                  network.getKey(),
                  rnn.weightBytes,
                  rnn.workBytes,
                  rnn.reserveBytes,
                  work,
                  reserve));
    }
    return new Answer(
        "reserve %s, workspace %s in training"
            .formatted(
                reserveOnlyInTraining ? "only in training" : "not only in training",
                trainingNotSmaller ? "not smaller" : "smaller"),
        String.join("; ", details));
  }

  /** A batch of sequences of equal lengths. */
  static int[] full(int time, int batch) {
    var lengths = new int[batch];
    Arrays.fill(lengths, time);
    return lengths;
  }
}
