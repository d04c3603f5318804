package io.github.cudnn4j.host;

import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.host.FunctionCases.Address;
import io.github.cudnn4j.host.FunctionCases.Field;
import io.github.cudnn4j.host.FunctionCases.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Makes the call of one of the {@link FunctionCases} in a cuDNN library. */
final class FunctionWitness {
  static final float[] PROBABILITIES = {0.5f, 0, 1, -0.5f, 1.5f, Float.NaN, 1e30f};

  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final int[] SHAPE = {4, 2, 3, 1, 1};

  /** Enough for the tensors of every case. */
  private static final long SMALL_BLOCK = 1 << 16;

  /** A size for a space that the library names none for. */
  private static final long LARGE_SPACE = 1 << 20;

  private static final long SEED = 7;

  private final CudnnWitness cudnn;
  private final Arena arena;
  private final CudnnCase question;
  private final List<Runnable> cleanup = new ArrayList<>();

  FunctionWitness(CudnnWitness cudnn, Arena arena, CudnnCase question) {
    this.cudnn = cudnn;
    this.arena = arena;
    this.question = question;
  }

  private int of(Field field) {
    return field.of(question);
  }

  String answer() {
    try {
      return switch (Function.of(question)) {
        case TENSOR_ND_EX, TENSOR_4D, TENSOR_4D_EX -> tensor();
        case FILTER_ND, FILTER_4D -> filter();
        case CTC_SET -> ctc("", of(Field.COMPUTE_TYPE));
        case CTC_SET_EX ->
            ctc("Ex", of(Field.COMPUTE_TYPE), of(Field.NORMALIZATION), of(Field.OUT_OF_BOUNDS));
        case CTC_SET_V8 ->
            ctc(
                "_v8",
                of(Field.COMPUTE_TYPE),
                of(Field.NORMALIZATION),
                of(Field.OUT_OF_BOUNDS),
                of(Field.MOST_LABELS));
        case DROPOUT_SET -> dropout("cudnnSetDropoutDescriptor");
        case DROPOUT_RESTORE -> dropout("cudnnRestoreDropoutDescriptor");
        case DROPOUT_RESERVE -> {
          var size = arena.allocate(NativeTypes.C_LONG);
          int status = cudnn.status("cudnnDropoutGetReserveSpaceSize", tensor(Field.X), out(size));
          yield status + (status == 0 ? " " + size.get(NativeTypes.C_LONG, 0) : "");
        }
        case DROPOUT_FORWARD -> dropOut("cudnnDropoutForward");
        case DROPOUT_BACKWARD -> dropOut("cudnnDropoutBackward");
        case SOFTMAX_FORWARD -> softmax("cudnnSoftmaxForward", false);
        case SOFTMAX_BACKWARD -> softmax("cudnnSoftmaxBackward", true);
        case CTC_SIZE, CTC_SIZE_V8 -> {
          var size = arena.allocate(NativeTypes.C_LONG);
          int status = ctcSize(handle(), lossDescriptor(), out(size));
          yield status + (status == 0 ? " " + (size.get(NativeTypes.C_LONG, 0) > 0) : "");
        }
        case CTC_LOSS, CTC_LOSS_V8 -> ctcLoss();
      };
    } finally {
      cudnn.finish();
      cleanup.forEach(Runnable::run);
    }
  }

  private MemorySegment handle() {
    return of(Field.HANDLE) == 0 ? cudnn.handle() : NONE;
  }

  private MemorySegment out(MemorySegment size) {
    return Address.OUT.isAbsent(question) ? NONE : size;
  }

  private MemorySegment create(String kind) {
    var object = cudnn.create(arena, "cudnnCreate" + kind + "Descriptor");
    cleanup.add(() -> cudnn.destroy("cudnnDestroy" + kind + "Descriptor", object));
    return object;
  }

  private String tensor() {
    var tensor = create("Tensor");
    int type = of(Field.TYPE);
    int[] e = extents();
    int status =
        switch (Function.of(question)) {
          case TENSOR_ND_EX ->
              cudnn.status(
                  "cudnnSetTensorNdDescriptorEx",
                  tensor,
                  of(Field.FORMAT),
                  type,
                  of(Field.DIMS),
                  CudnnWitness.ints(arena, e));
          case TENSOR_4D ->
              cudnn.status(
                  "cudnnSetTensor4dDescriptor",
                  tensor,
                  of(Field.FORMAT),
                  type,
                  e[0],
                  e[1],
                  e[2],
                  e[3]);
          default ->
              cudnn.status(
                  "cudnnSetTensor4dDescriptorEx",
                  tensor,
                  type,
                  e[0],
                  e[1],
                  e[2],
                  e[3],
                  of(Field.N_STRIDE),
                  of(Field.C_STRIDE),
                  of(Field.H_STRIDE),
                  of(Field.W_STRIDE));
        };
    return status + (status == 0 ? " " + cudnn.describe(arena, tensor) + four(tensor) : "");
  }

  private String four(MemorySegment tensor) {
    var fields = CudnnWitness.fill(arena, 9);
    int status = cudnn.status("cudnnGetTensor4dDescriptor", outs(tensor, fields));
    return " " + status + CudnnWitness.text(fields);
  }

  /** An object and the addresses of numbers. */
  private static Object[] outs(MemorySegment object, MemorySegment ints) {
    var arguments = new ArrayList<Object>(List.of(object));
    for (long at = 0; at < ints.byteSize(); at += Integer.BYTES) {
      arguments.add(ints.asSlice(at));
    }
    return arguments.toArray();
  }

  private int[] extents() {
    return new int[] {of(Field.N), of(Field.C), of(Field.H), of(Field.W), 2, 1, 2, 1, 2};
  }

  private String filter() {
    var filter = create("Filter");
    int[] e = extents();
    int type = of(Field.TYPE);
    int format = of(Field.FORMAT);
    int status =
        Function.of(question) == Function.FILTER_ND
            ? cudnn.status(
                "cudnnSetFilterNdDescriptor",
                filter,
                type,
                format,
                of(Field.DIMS),
                CudnnWitness.ints(arena, e))
            : cudnn.status(
                "cudnnSetFilter4dDescriptor", filter, type, format, e[0], e[1], e[2], e[3]);
    if (status != 0) {
      return String.valueOf(status);
    }
    var four = CudnnWitness.fill(arena, 6);
    int gotFour = cudnn.status("cudnnGetFilter4dDescriptor", outs(filter, four));
    var fields = CudnnWitness.fill(arena, 3);
    var extents = CudnnWitness.fill(arena, 8);
    var size = arena.allocate(NativeTypes.C_LONG);
    int got =
        cudnn.status(
            "cudnnGetFilterNdDescriptor",
            filter,
            8,
            fields,
            fields.asSlice(4),
            fields.asSlice(8),
            extents);
    return "0 "
        + gotFour
        + CudnnWitness.text(four)
        + got
        + CudnnWitness.text(fields)
        + CudnnWitness.text(extents)
        + cudnn.status("cudnnGetFilterSizeInBytes", filter, size)
        + " "
        + size.get(NativeTypes.C_LONG, 0);
  }

  private String ctc(String version, Integer... settings) {
    var loss = create("CTCLoss");
    if (of(Field.DESCRIPTOR) != 2) {
      cudnn.status("cudnnSetCTCLossDescriptor_v9", loss, 1, 1, 1, 9);
    }
    var arguments = new ArrayList<Object>(List.of(of(Field.DESCRIPTOR) == 1 ? NONE : loss));
    arguments.addAll(List.of(settings));
    int status = cudnn.status("cudnnSetCTCLossDescriptor" + version, arguments.toArray());
    var fields = CudnnWitness.fill(arena, settings.length);
    int got = cudnn.status("cudnnGetCTCLossDescriptor" + version, outs(loss, fields));
    var all = CudnnWitness.fill(arena, 4);
    cudnn.status("cudnnGetCTCLossDescriptor_v9", outs(loss, all));
    return status + " " + got + CudnnWitness.text(fields) + CudnnWitness.text(all);
  }

  private long statesBytes() {
    var size = arena.allocate(NativeTypes.C_LONG);
    return cudnn.status("cudnnDropoutGetStatesSize", cudnn.handle(), size) == 0
        ? size.get(NativeTypes.C_LONG, 0)
        : LARGE_SPACE;
  }

  /** A size as a case wants it. */
  private long sized(long bytes) {
    return switch (of(Field.SPACE)) {
      case 0 -> bytes;
      case 1 -> bytes + 4096;
      case 2 -> Math.max(0, bytes - 1);
      default -> 0;
    };
  }

  private MemorySegment at(Address address, long bytes) {
    return address.isAbsent(question) ? NONE : cudnn.block(address, bytes);
  }

  /** A descriptor of dropout as the case wants it. */
  private MemorySegment dropoutDescriptor(float probability) {
    var dropout = create("Dropout");
    int deviation = of(Field.DESCRIPTOR);
    if (deviation != 2) {
      long bytes = statesBytes();
      var states = deviation == 3 ? NONE : cudnn.block(Address.STATES, bytes);
      cudnn.status(
          "cudnnRestoreDropoutDescriptor",
          dropout,
          cudnn.handle(),
          probability,
          states,
          bytes,
          SEED);
    }
    return dropout;
  }

  private String dropout(String function) {
    var dropout = dropoutDescriptor(0.25f);
    long bytes = statesBytes();
    var states = at(Address.STATES, bytes + 4096);
    int status =
        cudnn.status(
            function,
            of(Field.DESCRIPTOR) == 1 ? NONE : dropout,
            handle(),
            PROBABILITIES[of(Field.PROBABILITY)],
            states,
            sized(bytes),
            SEED + 1);
    var probability = arena.allocate(ValueLayout.JAVA_FLOAT);
    var statesOut = arena.allocate(NativeTypes.C_POINTER);
    var seed = arena.allocate(NativeTypes.C_LONG);
    int got =
        cudnn.status(
            "cudnnGetDropoutDescriptor", dropout, cudnn.handle(), probability, statesOut, seed);
    String text =
        status
            + " "
            + got
            + " "
            + probability.get(ValueLayout.JAVA_FLOAT, 0)
            + " "
            + seed.get(NativeTypes.C_LONG, 0);
    // Without a device, states that are to be seeded do not get into the descriptor.
    return Function.of(question) == Function.DROPOUT_SET
        ? text
        : text + " " + !statesOut.get(NativeTypes.C_POINTER, 0).equals(NONE);
  }

  private String dropOut(String function) {
    var dropout = dropoutDescriptor(PROBABILITIES[of(Field.PROBABILITY)]);
    var x = tensor(Field.X);
    var y = tensor(Field.Y);
    var size = arena.allocate(NativeTypes.C_LONG);
    long bytes =
        cudnn.status("cudnnDropoutGetReserveSpaceSize", x, size) == 0
            ? size.get(NativeTypes.C_LONG, 0)
            : LARGE_SPACE;
    return String.valueOf(
        cudnn.status(
            function,
            handle(),
            of(Field.DESCRIPTOR) == 1 ? NONE : dropout,
            x,
            at(Address.X, SMALL_BLOCK),
            y,
            output(),
            at(Address.SPACE, LARGE_SPACE + 4096),
            sized(bytes)));
  }

  private MemorySegment output() {
    return at(of(Field.IN_PLACE) == 1 ? Address.X : Address.Y, SMALL_BLOCK);
  }

  private String softmax(String function, boolean backward) {
    var one = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 1);
    var arguments = new ArrayList<Object>(List.of(handle(), of(Field.ALGORITHM), of(Field.MODE)));
    arguments.add(Address.ALPHA.isAbsent(question) ? NONE : one);
    arguments.addAll(List.of(tensor(Field.X), at(Address.X, SMALL_BLOCK)));
    if (backward) {
      arguments.addAll(List.of(tensor(Field.DY), at(Address.DY, SMALL_BLOCK)));
    }
    arguments.add(Address.BETA.isAbsent(question) ? NONE : one);
    arguments.addAll(List.of(tensor(Field.Y), output()));
    return String.valueOf(cudnn.status(function, arguments.toArray()));
  }

  private MemorySegment lossDescriptor() {
    var loss = create("CTCLoss");
    int deviation = of(Field.DESCRIPTOR);
    if (deviation != 2) {
      cudnn.status(
          "cudnnSetCTCLossDescriptor_v9",
          loss,
          of(Field.COMPUTE_TYPE),
          of(Field.NORMALIZATION),
          of(Field.OUT_OF_BOUNDS),
          of(Field.MOST_LABELS));
    }
    return deviation == 1 ? NONE : loss;
  }

  private boolean labelsOnDevice() {
    Function function = Function.of(question);
    return function == Function.CTC_SIZE_V8 || function == Function.CTC_LOSS_V8;
  }

  private MemorySegment numbers(Address address, Field field, int count) {
    if (address.isAbsent(question)) {
      return NONE;
    }
    var numbers =
        CudnnWitness.ints(arena, IntStream.generate(() -> of(field)).limit(count).toArray());
    return labelsOnDevice() ? cudnn.upload(address, numbers) : numbers;
  }

  private List<MemorySegment> labels() {
    return List.of(
        numbers(Address.LABELS, Field.LABEL, 1024),
        numbers(Address.LABEL_LENGTHS, Field.LABEL_LENGTH, 8),
        numbers(Address.INPUT_LENGTHS, Field.INPUT_LENGTH, 8));
  }

  private int ctcSize(MemorySegment handle, MemorySegment loss, MemorySegment size) {
    var x = tensor(Field.X);
    var y = tensor(Field.Y);
    int algorithm = of(Field.ALGORITHM);
    if (labelsOnDevice()) {
      return cudnn.status("cudnnGetCTCLossWorkspaceSize_v8", handle, algorithm, loss, x, y, size);
    }
    var arguments = new ArrayList<Object>(List.of(handle, x, y));
    arguments.addAll(labels());
    arguments.addAll(List.of(algorithm, loss, size));
    return cudnn.status("cudnnGetCTCLossWorkspaceSize", arguments.toArray());
  }

  private String ctcLoss() {
    var loss = lossDescriptor();
    var size = arena.allocate(NativeTypes.C_LONG);
    long bytes =
        sized(
            ctcSize(cudnn.handle(), loss, size) == 0
                ? size.get(NativeTypes.C_LONG, 0)
                : LARGE_SPACE);
    var x = List.of(tensor(Field.X), at(Address.X, SMALL_BLOCK));
    var y = List.of(tensor(Field.Y), at(Address.Y, SMALL_BLOCK));
    var costs = at(Address.OUT, SMALL_BLOCK);
    var work = at(Address.SPACE, bytes);
    var arguments = new ArrayList<Object>(List.of(handle()));
    if (labelsOnDevice()) {
      arguments.addAll(List.of(of(Field.ALGORITHM), loss));
      arguments.addAll(x);
      arguments.addAll(labels());
      arguments.add(costs);
      arguments.addAll(y);
      arguments.addAll(List.of(bytes, work));
      return String.valueOf(cudnn.status("cudnnCTCLoss_v8", arguments.toArray()));
    }
    arguments.addAll(x);
    arguments.addAll(labels());
    arguments.add(costs);
    arguments.addAll(y);
    arguments.addAll(List.of(of(Field.ALGORITHM), loss, work, bytes));
    return String.valueOf(cudnn.status("cudnnCTCLoss", arguments.toArray()));
  }

  /**
   * The descriptor of a tensor: right, NULL, never set; an extent larger, of another type, with a
   * gap, permuted (3 to 6); of two dimensions, of one more than the right ones, overlapping (7 to
   * 9). Those of softmax have four dimensions, others three.
   */
  private MemorySegment tensor(Field field) {
    int deviation = of(field);
    if (deviation == 1) {
      return NONE;
    }
    var tensor = create("Tensor");
    if (deviation == 2) {
      return tensor;
    }
    Function function = Function.of(question);
    boolean softmax = function == Function.SOFTMAX_FORWARD || function == Function.SOFTMAX_BACKWARD;
    int type = of(Field.TYPE);
    int[] shape = SHAPE;
    int[] strides = {6, 3, 1, 1, 1};
    switch (deviation) {
      case 3 -> shape = new int[] {5, 2, 3, 1, 1};
      case 4 -> type = type == 0 ? 2 : 0;
      case 5 -> strides = new int[] {12, 6, 2, 1, 1};
      case 6 -> strides = new int[] {1, 4, 8, 1, 1};
      case 7 -> {
        shape = new int[] {4, 6};
        strides = new int[] {6, 1};
      }
      case 9 -> strides = new int[] {2, 1, 1, 1, 1};
      default -> {}
    }
    if (deviation != 7) {
      int dims = (softmax ? 4 : 3) + (deviation == 8 ? 1 : 0);
      shape = Arrays.copyOf(shape, dims);
      strides = Arrays.copyOf(strides, dims);
    }
    cudnn.setTensor(arena, tensor, type, shape, strides);
    return tensor;
  }
}
