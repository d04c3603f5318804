package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One recurrent network with every argument of its three calls in a field, right at first, so that
 * a test can spoil one of them. Buffers are filled with reproducible random numbers.
 */
final class RawRnn {
  /** What a network is and the sequences that it gets; a change makes another one. */
  static final class Setup implements Cloneable {
    private int algorithm = Cudnn.CUDNN_RNN_ALGO_STANDARD();
    private int cell = Cudnn.CUDNN_LSTM();
    private int bias = Cudnn.CUDNN_RNN_DOUBLE_BIAS();
    private int type;
    private int math;
    private int layers = 2;
    private boolean bidirectional = true;
    private boolean skipsInput;
    private int input = 5;
    private int hidden = 4;
    private int output = 4;
    private int layout = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
    private int time = 3;
    private int[] lengths = {3, 1};

    /** Two layers in both directions and two sequences; HALF and BFLOAT16 are computed in FLOAT. */
    static Setup lstm(int type) {
      return new Setup().type(type, RawCudnn.isNarrow(type) ? Cudnn.CUDNN_DATA_FLOAT() : type);
    }

    private Setup with(Consumer<Setup> change) {
      try {
        var changed = (Setup) clone();
        change.accept(changed);
        return changed;
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    Setup type(int newType, int newMath) {
      return with(
          s -> {
            s.type = newType;
            s.math = newMath;
          });
    }

    Setup algorithm(int other) {
      return with(s -> s.algorithm = other);
    }

    Setup cell(int other) {
      return with(s -> s.cell = other);
    }

    Setup bias(int other) {
      return with(s -> s.bias = other);
    }

    Setup layers(int count, boolean inBothDirections) {
      return with(
          s -> {
            s.layers = count;
            s.bidirectional = inBothDirections;
          });
    }

    /** The sizes of x, of the cell and of h; only an LSTM's h may be smaller than its cell. */
    Setup sizes(int newInput, int newHidden, int newOutput) {
      return with(
          s -> {
            s.input = newInput;
            s.hidden = newHidden;
            s.output = newOutput;
          });
    }

    Setup skipsInput(boolean skips) {
      return with(s -> s.skipsInput = skips);
    }

    Setup sequences(int newLayout, int newTime, int... newLengths) {
      return with(
          s -> {
            s.layout = newLayout;
            s.time = newTime;
            s.lengths = newLengths;
          });
    }

    int type() {
      return type;
    }

    int layers() {
      return layers;
    }

    int input() {
      return input;
    }

    int hidden() {
      return hidden;
    }

    int directions() {
      return bidirectional ? 2 : 1;
    }

    int batch() {
      return lengths.length;
    }

    int rows() {
      boolean packed = layout == Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED();
      return packed ? Arrays.stream(lengths).sum() : time * batch();
    }

    int inputElements() {
      return rows() * input;
    }

    int outputElements() {
      return rows() * output * directions();
    }

    int stateElements() {
      return layers * directions() * batch() * output;
    }

    int cellElements() {
      return layers * directions() * batch() * hidden;
    }

    @Override
    public String toString() {
      return String.format(
          "type %d, math %d, algorithm %d, cell %d, bias %d, %d layers, %d directions, skip %b,"
              + " sizes %d %d %d, layout %d, time %d, lengths %s",
          type,
          math,
          algorithm,
          cell,
          bias,
          layers,
          directions(),
          skipsInput,
          input,
          hidden,
          output,
          layout,
          time,
          Arrays.toString(lengths));
    }
  }

  final RawCudnn cudnn;
  final Setup setup;
  final int type;

  MemorySegment handle;
  MemorySegment rnn;
  MemorySegment xDesc;
  MemorySegment yDesc;
  MemorySegment hDesc;
  MemorySegment cDesc;
  int forwardMode = Cudnn.CUDNN_FWD_MODE_TRAINING();
  int gradientMode = Cudnn.CUDNN_WGRAD_MODE_ADD();

  MemorySegment x;
  MemorySegment y;
  MemorySegment hx;
  MemorySegment hy;
  MemorySegment cx;
  MemorySegment cy;
  MemorySegment dx;
  MemorySegment dy;
  MemorySegment dhx;
  MemorySegment dhy;
  MemorySegment dcx;
  MemorySegment dcy;
  long weightBytes;
  MemorySegment weights;
  MemorySegment gradients;
  long workBytes;
  MemorySegment work;
  long reserveBytes;
  MemorySegment reserve;

  /** A network without dropout whose outputs' padding is filled with zeros. */
  RawRnn(RawCudnn cudnn, Setup setup) {
    this(cudnn, setup, MemorySegment.NULL, cudnn.scalar(setup.type, 0));
  }

  RawRnn(RawCudnn cudnn, Setup setup, MemorySegment dropout, MemorySegment fill) {
    this.cudnn = cudnn;
    this.setup = setup;
    type = setup.type;
    handle = cudnn.handle;
    rnn = descriptor(cudnn);
    succeed(set(rnn, setup, dropout, Cudnn.CUDNN_RNN_PADDED_IO_ENABLED()));
    if (setup.algorithm == Cudnn.CUDNN_RNN_ALGO_PERSIST_DYNAMIC()) {
      succeed(Cudnn.cudnnBuildRNNDynamic(handle, rnn, setup.batch()));
    }
    xDesc = sequences(setup.input, fill);
    yDesc = sequences(setup.output * setup.directions(), fill);
    hDesc = cudnn.tensor(type, setup.layers * setup.directions(), setup.batch(), setup.output);
    cDesc = cudnn.tensor(type, setup.layers * setup.directions(), setup.batch(), setup.hidden);
    weightBytes = cudnn.size(out -> Cudnn.cudnnGetRNNWeightSpaceSize(handle, rnn, out));
    workBytes = cudnn.size(out -> spaces(out, MemorySegment.NULL));
    reserveBytes = cudnn.size(out -> spaces(MemorySegment.NULL, out));

    var random = new Random(1);
    x = random(random, setup.inputElements());
    y = random(random, setup.outputElements());
    hx = random(random, setup.stateElements());
    hy = random(random, setup.stateElements());
    cx = random(random, setup.cellElements());
    cy = random(random, setup.cellElements());
    dx = random(random, setup.inputElements());
    dy = random(random, setup.outputElements());
    dhx = random(random, setup.stateElements());
    dhy = random(random, setup.stateElements());
    dcx = random(random, setup.cellElements());
    dcy = random(random, setup.cellElements());
    weights = random(random, weightElements());
    gradients = random(random, weightElements());
    work = cudnn.allocate(workBytes);
    reserve = cudnn.allocate(reserveBytes);
  }

  static MemorySegment descriptor(RawCudnn cudnn) {
    return cudnn.create(Cudnn::cudnnCreateRNNDescriptor, Cudnn::cudnnDestroyRNNDescriptor);
  }

  static int set(MemorySegment rnn, Setup setup, MemorySegment dropout, int flags) {
    boolean single = setup.type == Cudnn.CUDNN_DATA_FLOAT();
    return Cudnn.cudnnSetRNNDescriptor_v8(
        rnn,
        setup.algorithm,
        setup.cell,
        setup.bias,
        setup.bidirectional ? Cudnn.CUDNN_BIDIRECTIONAL() : Cudnn.CUDNN_UNIDIRECTIONAL(),
        setup.skipsInput ? Cudnn.CUDNN_SKIP_INPUT() : Cudnn.CUDNN_LINEAR_INPUT(),
        setup.type,
        setup.math,
        single ? Cudnn.CUDNN_FMA_MATH() : Cudnn.CUDNN_DEFAULT_MATH(),
        setup.input,
        setup.hidden,
        setup.output,
        setup.layers,
        dropout,
        flags);
  }

  MemorySegment sequences(int vector, MemorySegment fill) {
    return sequences(cudnn, setup.type, setup.layout, setup.time, vector, fill, setup.lengths);
  }

  static MemorySegment sequences(
      RawCudnn cudnn,
      int type,
      int layout,
      int time,
      int vector,
      MemorySegment fill,
      int... lengths) {
    var data =
        cudnn.create(Cudnn::cudnnCreateRNNDataDescriptor, Cudnn::cudnnDestroyRNNDataDescriptor);
    succeed(
        Cudnn.cudnnSetRNNDataDescriptor(
            data, type, layout, time, lengths.length, vector, cudnn.ints(lengths), fill));
    return data;
  }

  int spaces(MemorySegment workOut, MemorySegment reserveOut) {
    return Cudnn.cudnnGetRNNTempSpaceSizes(handle, rnn, forwardMode, xDesc, workOut, reserveOut);
  }

  int weightElements() {
    return (int) (weightBytes / RawCudnn.bytes(type, 1));
  }

  private MemorySegment random(Random random, int count) {
    return cudnn.upload(type, random.doubles(count, -1, 1).toArray());
  }

  /** The buffers of numbers, those first that the calls only read. */
  enum Buffer {
    X,
    HX,
    CX,
    DY,
    DHY,
    DCY,
    WEIGHTS,
    Y,
    HY,
    CY,
    DX,
    DHX,
    DCX,
    GRADIENTS;

    static final Set<Buffer> RESULTS = EnumSet.range(Y, GRADIENTS);

    boolean isGradient() {
      return compareTo(DX) >= 0;
    }
  }

  MemorySegment memory(Buffer buffer) {
    return switch (buffer) {
      case X -> x;
      case HX -> hx;
      case CX -> cx;
      case DY -> dy;
      case DHY -> dhy;
      case DCY -> dcy;
      case WEIGHTS -> weights;
      case Y -> y;
      case HY -> hy;
      case CY -> cy;
      case DX -> dx;
      case DHX -> dhx;
      case DCX -> dcx;
      case GRADIENTS -> gradients;
    };
  }

  double[] read(Buffer buffer) {
    int count =
        switch (buffer) {
          case X, DX -> setup.inputElements();
          case Y, DY -> setup.outputElements();
          case HX, HY, DHX, DHY -> setup.stateElements();
          case CX, CY, DCX, DCY -> setup.cellElements();
          case WEIGHTS, GRADIENTS -> weightElements();
        };
    return read(memory(buffer), count);
  }

  /** Gives this network, of another type, the numbers that another one holds. */
  void copyFrom(RawRnn other) {
    for (var buffer : Buffer.values()) {
      cudnn.write(memory(buffer), type, other.read(buffer));
    }
  }

  /** Fills the workspace with NaN. */
  void poisonWorkspace() {
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaMemset(work, 0xFF, workBytes));
  }

  double[] read(MemorySegment memory, int count) {
    return cudnn.read(memory, type, count);
  }

  int forward() {
    return Cudnn.cudnnRNNForward(
        handle,
        rnn,
        forwardMode,
        MemorySegment.NULL,
        xDesc,
        x,
        yDesc,
        y,
        hDesc,
        hx,
        hy,
        cDesc,
        cx,
        cy,
        weightBytes,
        weights,
        workBytes,
        work,
        reserveBytes,
        reserve);
  }

  int backwardData() {
    return Cudnn.cudnnRNNBackwardData_v8(
        handle,
        rnn,
        MemorySegment.NULL,
        yDesc,
        y,
        dy,
        xDesc,
        dx,
        hDesc,
        hx,
        dhy,
        dhx,
        cDesc,
        cx,
        dcy,
        dcx,
        weightBytes,
        weights,
        workBytes,
        work,
        reserveBytes,
        reserve);
  }

  int backwardWeights() {
    return Cudnn.cudnnRNNBackwardWeights_v8(
        handle,
        rnn,
        gradientMode,
        MemorySegment.NULL,
        xDesc,
        x,
        hDesc,
        hx,
        yDesc,
        y,
        weightBytes,
        gradients,
        workBytes,
        work,
        reserveBytes,
        reserve);
  }
}
