package io.github.cudnn4j.host;

import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.host.RnnCallCases.Address;
import io.github.cudnn4j.host.RnnCallCases.Field;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Makes the call of one of the {@link RnnCallCases} in a cuDNN library. */
final class RnnCallWitness {
  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final int[] DATA = {0, 1, 2, 2, 9};
  private static final int[] MATH = {0, 1, 0, 2, 0};
  private static final int OTHER_TYPE = 1;

  /** Enough for the sequences and states of every case. */
  private static final long SMALL_BLOCK = 1 << 18;

  /** A size for a space that the library names none for. */
  private static final long LARGE_SPACE = 1 << 22;

  private final CudnnWitness cudnn;
  private final Arena arena;
  private final CudnnCase question;
  private final List<MemorySegment> tensors = new ArrayList<>();
  private final List<MemorySegment> sequences = new ArrayList<>();

  RnnCallWitness(CudnnWitness cudnn, Arena arena, CudnnCase question) {
    this.cudnn = cudnn;
    this.arena = arena;
    this.question = question;
  }

  private int of(Field field) {
    return field.of(question);
  }

  private int type() {
    return DATA[of(Field.TYPES)];
  }

  private int directions() {
    return 1 + of(Field.DIRECTION);
  }

  private int output() {
    return of(Field.HIDDEN) - of(Field.PROJECTION);
  }

  String answer() {
    var network = cudnn.create(arena, "cudnnCreateRNNDescriptor");
    RawCudnn.succeed(set(network));
    try {
      return answer(of(Field.NETWORK) == 1 ? NONE : network);
    } finally {
      cudnn.destroy("cudnnDestroyRNNDescriptor", network);
      tensors.forEach(tensor -> cudnn.destroy("cudnnDestroyTensorDescriptor", tensor));
      sequences.forEach(data -> cudnn.destroy("cudnnDestroyRNNDataDescriptor", data));
    }
  }

  private int set(MemorySegment network) {
    return cudnn.status(
        "cudnnSetRNNDescriptor_v8",
        network,
        of(Field.ALGORITHM),
        of(Field.CELL),
        of(Field.BIAS),
        of(Field.DIRECTION),
        of(Field.SKIP),
        type(),
        MATH[of(Field.TYPES)],
        3,
        of(Field.INPUT),
        of(Field.HIDDEN),
        output(),
        of(Field.LAYERS),
        NONE,
        of(Field.PADDED));
  }

  private String answer(MemorySegment network) {
    var handle = of(Field.HANDLE) == 0 ? cudnn.handle() : NONE;
    return switch (of(Field.CALL)) {
      case RnnCallCases.SIZES -> sizes(handle, network);
      case RnnCallCases.WEIGHT_SIZE -> {
        var size = arena.allocate(NativeTypes.C_LONG);
        boolean absent = Address.WEIGHTS.isAbsent(question);
        int status =
            cudnn.status("cudnnGetRNNWeightSpaceSize", handle, network, absent ? NONE : size);
        yield status + (status == 0 ? " " + size.get(NativeTypes.C_LONG, 0) : "");
      }
      case RnnCallCases.PARAMETERS -> parameters(handle, network);
      default -> String.valueOf(compute(handle, network));
    };
  }

  private String sizes(MemorySegment handle, MemorySegment network) {
    var x = sequences(Field.X, of(Field.INPUT));
    var sizes = arena.allocate(NativeTypes.C_LONG, 2);
    var work = Address.WORK.isAbsent(question) ? NONE : sizes;
    var reserve = Address.RESERVE.isAbsent(question) ? NONE : sizes.asSlice(8);
    int status = spaces(handle, network, of(Field.MODE), x, work, reserve);
    return status
        + (status == 0 ? " reserve " + (sizes.getAtIndex(NativeTypes.C_LONG, 1) > 0) : "");
  }

  private int spaces(
      MemorySegment handle,
      MemorySegment network,
      int mode,
      MemorySegment x,
      MemorySegment work,
      MemorySegment reserve) {
    return cudnn.status("cudnnGetRNNTempSpaceSizes", handle, network, mode, x, work, reserve);
  }

  private String parameters(MemorySegment handle, MemorySegment network) {
    boolean absent = Address.WEIGHTS.isAbsent(question);
    var weights = absent ? NONE : cudnn.block(Address.WEIGHTS, SMALL_BLOCK);
    var addresses = arena.allocate(NativeTypes.C_POINTER, 2);
    var matrix = newTensor();
    var bias = newTensor();
    int matrixOut = of(Field.MATRIX_OUT);
    int biasOut = of(Field.BIAS_OUT);
    int status =
        cudnn.status(
            "cudnnGetRNNWeightParams",
            handle,
            network,
            of(Field.PSEUDO_LAYER),
            sized(Field.WEIGHTS, weightBytes(network)),
            weights,
            of(Field.LINEAR_LAYER),
            matrixOut == 0 ? matrix : NONE,
            matrixOut == 1 ? NONE : addresses,
            biasOut == 0 ? bias : NONE,
            biasOut == 1 ? NONE : addresses.asSlice(8));
    return status == 0
        ? "0 "
            + parameter(weights, addresses.getAtIndex(NativeTypes.C_POINTER, 0), matrix)
            + parameter(weights, addresses.getAtIndex(NativeTypes.C_POINTER, 1), bias)
        : String.valueOf(status);
  }

  private String parameter(MemorySegment weights, MemorySegment address, MemorySegment tensor) {
    String place =
        address.equals(NONE) ? "none" : String.valueOf(address.address() - weights.address());
    var fields = CudnnWitness.fill(arena, 2);
    var extents = CudnnWitness.fill(arena, 8);
    var strides = CudnnWitness.fill(arena, 8);
    cudnn.status(
        "cudnnGetTensorNdDescriptor", tensor, 8, fields, fields.asSlice(4), extents, strides);
    return place
        + CudnnWitness.text(fields)
        + CudnnWitness.text(extents)
        + CudnnWitness.text(strides);
  }

  private long weightBytes(MemorySegment network) {
    var size = arena.allocate(NativeTypes.C_LONG);
    return cudnn.status("cudnnGetRNNWeightSpaceSize", cudnn.handle(), network, size) == 0
        ? size.get(NativeTypes.C_LONG, 0)
        : LARGE_SPACE;
  }

  /** A size as a field wants it. */
  private long sized(Field field, long bytes) {
    return switch (of(field)) {
      case 0 -> bytes;
      case 1 -> bytes + 4096;
      case 2 -> Math.max(0, bytes - 1);
      default -> 0;
    };
  }

  private int compute(MemorySegment handle, MemorySegment network) {
    var x = sequences(Field.X, of(Field.INPUT));
    var y = sequences(Field.Y, output() * directions());
    var h = state(Field.H, output());
    var c = state(Field.C, of(Field.HIDDEN));
    int call = of(Field.CALL);
    if (of(Field.ALGORITHM) == 2) {
      // It is compiled for a GPU, which needs one: that this is refused says nothing.
      cudnn.status("cudnnBuildRNNDynamic", cudnn.handle(), network, batch(Field.X));
    }
    long weightBytes = sized(Field.WEIGHTS, weightBytes(network));
    var sizes = arena.allocate(NativeTypes.C_LONG, 2);
    int mode = call == RnnCallCases.FORWARD && of(Field.MODE) != 1 ? 0 : 1;
    int asked = spaces(cudnn.handle(), network, mode, x, sizes, sizes.asSlice(8));
    long work = asked == 0 ? sizes.getAtIndex(NativeTypes.C_LONG, 0) : LARGE_SPACE;
    long reserve = asked == 0 ? sizes.getAtIndex(NativeTypes.C_LONG, 1) : LARGE_SPACE;
    long workBytes = sized(Field.WORK, work);
    long reserveBytes = sized(Field.RESERVE, reserve);
    var weights = space(Address.WEIGHTS, weightBytes);
    var workspace = space(Address.WORK, workBytes);
    var reserved = space(Address.RESERVE, reserveBytes);
    var arguments = new ArrayList<Object>(List.of(handle, network));
    switch (call) {
      case RnnCallCases.FORWARD -> {
        arguments.addAll(List.of(of(Field.MODE), NONE, x, at(Address.X), y, at(Address.Y)));
        arguments.addAll(List.of(h, at(Address.HX), at(Address.HY)));
        arguments.addAll(List.of(c, at(Address.CX), at(Address.CY)));
      }
      case RnnCallCases.BACKWARD_DATA -> {
        arguments.addAll(List.of(NONE, y, at(Address.Y), at(Address.DY), x, at(Address.DX)));
        arguments.addAll(List.of(h, at(Address.HX), at(Address.DHY), at(Address.DHX)));
        arguments.addAll(List.of(c, at(Address.CX), at(Address.DCY), at(Address.DCX)));
      }
      default -> {
        arguments.addAll(List.of(of(Field.GRADIENT), NONE, x, at(Address.X)));
        arguments.addAll(List.of(h, at(Address.HX), y, at(Address.Y)));
      }
    }
    arguments.addAll(List.of(weightBytes, weights, workBytes, workspace, reserveBytes, reserved));
    String[] names = {"cudnnRNNForward", "cudnnRNNBackwardData_v8", "cudnnRNNBackwardWeights_v8"};
    int status = cudnn.status(names[call - RnnCallCases.FORWARD], arguments.toArray());
    cudnn.finish();
    return status;
  }

  private MemorySegment at(Address address) {
    return space(address, SMALL_BLOCK);
  }

  private MemorySegment space(Address address, long bytes) {
    return address.isAbsent(question) ? NONE : cudnn.block(address, bytes);
  }

  private int batch(Field field) {
    return of(Field.BATCH) + (of(field) == 5 ? 1 : 0);
  }

  private MemorySegment sequences(Field field, int vector) {
    int deviation = of(field);
    if (deviation == 1) {
      return NONE;
    }
    var data = cudnn.create(arena, "cudnnCreateRNNDataDescriptor");
    sequences.add(data);
    if (deviation == 2) {
      return data;
    }
    int time = of(Field.TIME) + (deviation == 4 ? 1 : 0);
    int batch = batch(field);
    int[] lengths = lengths(time, batch, of(Field.LENGTHS));
    if (deviation == 6) {
      lengths[batch - 1] = lengths[batch - 1] == 1 ? time : 1;
    }
    int layout = of(Field.LAYOUT);
    int type = type();
    cudnn.status(
        "cudnnSetRNNDataDescriptor",
        data,
        deviation == 7 ? (type == OTHER_TYPE ? 0 : OTHER_TYPE) : type,
        deviation == 8 ? (layout + 1) % 3 : layout,
        time,
        batch,
        vector + (deviation == 3 ? 1 : 0),
        CudnnWitness.ints(arena, lengths),
        NONE);
    return data;
  }

  private static int[] lengths(int time, int batch, int kind) {
    return IntStream.range(0, batch)
        .map(
            row ->
                switch (kind) {
                  case 0 -> time;
                  case 1 -> Math.max(1, time - row);
                  case 2 -> row == batch - 1 ? 0 : time;
                  case 3 -> Math.max(1, time - (batch - 1 - row));
                  case 4 -> time - 1;
                  default -> 0;
                })
        .toArray();
  }

  private MemorySegment newTensor() {
    var tensor = cudnn.create(arena, "cudnnCreateTensorDescriptor");
    tensors.add(tensor);
    return tensor;
  }

  /**
   * The descriptor of a state: right, NULL, never set; one extent larger (3 to 5); of another type
   * (6); with other dimensions, of which cuDNN minds two alone (7 to 9); with a gap, permuted, with
   * an odd stride of an extent of 1, permuted beyond the third, overlapping, and going down (10 to
   * 15).
   */
  private MemorySegment state(Field field, int width) {
    int states = of(Field.LAYERS) * directions();
    int batch = of(Field.BATCH);
    int row = batch * width;
    int deviation = of(field);
    if (deviation == 1) {
      return NONE;
    }
    var tensor = newTensor();
    int[] packed = {states, batch, width};
    int[][] shapes = {
      packed,
      {},
      {},
      {states, batch, width + 1},
      {states, batch + 1, width},
      {states + 1, batch, width},
      packed,
      {states, batch, width, 1},
      {states, batch, width, 2, 1},
      {states, row},
      packed,
      packed,
      {states, batch, width, 1},
      {states, batch, width, 2},
      packed,
      packed
    };
    int[] shape = shapes[deviation];
    int[] strides = packedStrides(shape);
    switch (deviation) {
      case 10 -> strides = new int[] {2 * row, width, 1};
      case 11 -> strides = new int[] {width, states * width, 1};
      case 12 -> strides = new int[] {row, width, 1, 7};
      case 13 -> strides = new int[] {row, width, 1, states * row};
      case 14 -> strides = new int[] {row + 1, width - 1, 1};
      case 15 -> strides = new int[] {-row, width, 1};
      default -> {}
    }
    if (deviation != 2) {
      cudnn.setTensor(arena, tensor, deviation == 6 ? OTHER_TYPE : type(), shape, strides);
    }
    return tensor;
  }

  private static int[] packedStrides(int[] shape) {
    var strides = new int[shape.length];
    Arrays.fill(strides, 1);
    for (int d = shape.length - 2; d >= 0; d--) {
      strides[d] = strides[d + 1] * shape[d + 1];
    }
    return strides;
  }
}
