package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.testing.Segments;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One of several cuDNN libraries in this process, whose functions are looked up in it alone. It
 * answers a case with the category of the status and what the descriptor then holds.
 */
final class CudnnWitness implements AutoCloseable {
  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final int UNTOUCHED = -77;

  /** Functions of pointers alone, which stand a NULL in each. */
  private static final List<String> NULLS =
      List.of(
          "cudnnCreate",
          "cudnnDestroy",
          "cudnnCreateTensorDescriptor",
          "cudnnDestroyTensorDescriptor",
          "cudnnCreateDropoutDescriptor",
          "cudnnDestroyDropoutDescriptor",
          "cudnnCreateRNNDescriptor",
          "cudnnDestroyRNNDescriptor",
          "cudnnCreateRNNDataDescriptor",
          "cudnnDestroyRNNDataDescriptor",
          "cudnnCreateCTCLossDescriptor",
          "cudnnDestroyCTCLossDescriptor",
          "cudnnSetStream",
          "cudnnGetStream",
          "cudnnDropoutGetStatesSize");

  /**
   * What argument checks look at in a handle of version 9.24: the number of multiprocessors and the
   * architecture times 10, at offsets that were found by trying.
   */
  private static final Map<Integer, Integer> HANDLE =
      Map.of(28, 132, 36, 49_152, 60, 2048, 104, 900);

  private static final long HANDLE_BYTES = 1 << 20;

  /** Where the blocks of a library without a device are said to be: far apart. */
  private static final long FAR = 1L << 32;

  private final SymbolLookup library;
  private final Map<String, MethodHandle> functions = new HashMap<>();
  private final Map<Enum<?>, MemorySegment> blocks = new HashMap<>();

  /** The device that the library computes on; none where it only checks arguments. */
  private final Optional<RawCudnn> device;

  private final MemorySegment handle;

  private CudnnWitness(SymbolLookup library, Optional<RawCudnn> device, MemorySegment handle) {
    this.library = library;
    this.device = device;
    this.handle = handle;
  }

  /** The host device, in a process that uses it. */
  static CudnnWitness host() {
    var device = new RawCudnn();
    return new CudnnWitness(SymbolLookup.loaderLookup(), Optional.of(device), device.handle);
  }

  /**
   * A library that finds no driver. It makes no handle then, but its argument checks take a block
   * of zeros for one; where they end, its first call of CUDA fails.
   */
  static CudnnWitness checking(SymbolLookup library) {
    var handle = Arena.global().allocate(HANDLE_BYTES);
    HANDLE.forEach((offset, value) -> handle.set(ValueLayout.JAVA_INT, offset, value));
    return new CudnnWitness(library, Optional.empty(), handle);
  }

  MemorySegment handle() {
    return handle;
  }

  /** Memory of the device, of at least so many bytes. */
  MemorySegment block(Enum<?> address, long bytes) {
    return device
        .map(
            cudnn ->
                blocks.compute(
                    address,
                    (_, block) ->
                        block != null && block.byteSize() >= bytes
                            ? block
                            : cudnn.allocate(bytes).reinterpret(bytes)))
        .orElse(MemorySegment.ofAddress(FAR * (1 + address.ordinal())));
  }

  /** Memory of the device with such contents. */
  MemorySegment upload(Enum<?> address, MemorySegment contents) {
    var block = block(address, contents.byteSize());
    if (device.isPresent()) {
      assertEquals(
          Cudart.cudaSuccess(),
          Cudart.cudaMemcpy(block, contents, contents.byteSize(), Cudart.cudaMemcpyHostToDevice()));
    }
    return block;
  }

  /** Waits until the device has computed what it was given. */
  void finish() {
    if (device.isPresent()) {
      assertEquals(Cudart.cudaSuccess(), Cudart.cudaDeviceSynchronize());
    }
  }

  @Override
  public void close() {
    device.ifPresent(RawCudnn::close);
  }

  private Object call(String name, Object... arguments) {
    try {
      return functions
          .computeIfAbsent(name, _ -> find(name, arguments))
          .invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(name, e);
    }
  }

  private MethodHandle find(String name, Object... arguments) {
    return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), type(name, arguments));
  }

  /** The type that the generated bindings have for a function, or else that of its arguments. */
  private static FunctionDescriptor type(String name, Object... arguments) {
    try {
      return (FunctionDescriptor) Cudnn.class.getMethod(name + "$descriptor").invoke(null);
    } catch (NoSuchMethodException e) {
      return FunctionDescriptor.of(
          NativeTypes.C_INT,
          Arrays.stream(arguments)
              .map(a -> a instanceof Integer ? NativeTypes.C_INT : NativeTypes.C_POINTER)
              .toArray(MemoryLayout[]::new));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(name, e);
    }
  }

  /** The category of a call's status; where there is no device, to have reached CUDA is success. */
  int status(String name, Object... arguments) {
    int category = (int) call(name, arguments) / 1000 * 1000;
    return device.isEmpty() && category == Cudnn.CUDNN_STATUS_EXECUTION_FAILED() ? 0 : category;
  }

  long version() {
    return (long) call("cudnnGetVersion");
  }

  String answer(CudnnCase question) {
    var a = question.arguments();
    try (var arena = Arena.ofConfined()) {
      return switch (question.kind()) {
        case ERROR_NAME ->
            ((MemorySegment) call("cudnnGetErrorString", a.get(0))).reinterpret(100).getString(0);
        case PROPERTY -> {
          var value = ints(arena, UNTOUCHED);
          int status = status("cudnnGetProperty", a.get(0), value);
          yield status + text(value);
        }
        case NULLS -> String.valueOf(nulls(NULLS.get(a.get(0).intValue())));
        case TENSOR -> tensor(arena, a);
        case DROPOUT_RESERVE -> dropoutReserve(arena, a);
        case RNN -> rnn(arena, a);
        case CLIP -> clip(arena, a);
        case SEQUENCES -> sequences(arena, a);
        case CTC -> ctc(arena, a);
        case CALL -> new RnnCallWitness(this, arena, question).answer();
        case FUNCTION -> new FunctionWitness(this, arena, question).answer();
      };
    }
  }

  private int nulls(String name) {
    var arguments = new Object[type(name).argumentLayouts().size()];
    Arrays.fill(arguments, NONE);
    return status(name, arguments);
  }

  private String tensor(Arena arena, List<Number> a) {
    var extents = new int[Math.max(0, a.size() / 2 - 1)];
    var strides = new int[extents.length];
    for (int d = 0; d < extents.length; d++) {
      extents[d] = a.get(2 + 2 * d).intValue();
      strides[d] = a.get(3 + 2 * d).intValue();
    }
    var tensor = create(arena, "cudnnCreateTensorDescriptor");
    int status =
        status(
            "cudnnSetTensorNdDescriptor",
            tensor,
            a.get(0),
            a.get(1),
            ints(arena, extents),
            ints(arena, strides));
    // What is left of a descriptor that was refused is cuDNN's own business.
    String text = status + (status == 0 ? " " + describe(arena, tensor) : "");
    destroy("cudnnDestroyTensorDescriptor", tensor);
    return text;
  }

  /** What a tensor's descriptor holds. */
  String describe(Arena arena, MemorySegment tensor) {
    var fields = fill(arena, 2);
    var extents = fill(arena, 8);
    var strides = fill(arena, 8);
    var size = arena.allocate(NativeTypes.C_LONG);
    int status =
        status(
            "cudnnGetTensorNdDescriptor", tensor, 8, fields, fields.asSlice(4), extents, strides);
    return status
        + text(fields)
        + text(extents)
        + text(strides)
        + status("cudnnGetTensorSizeInBytes", tensor, size)
        + " "
        + size.get(NativeTypes.C_LONG, 0);
  }

  void setTensor(Arena arena, MemorySegment tensor, int type, int[] extents, int[] strides) {
    status(
        "cudnnSetTensorNdDescriptor",
        tensor,
        type,
        extents.length,
        ints(arena, extents),
        ints(arena, strides));
  }

  private String dropoutReserve(Arena arena, List<Number> a) {
    int[] extents = a.stream().mapToInt(Number::intValue).toArray();
    var strides = new int[extents.length];
    int stride = 1;
    for (int d = extents.length - 1; d >= 0; d--) {
      strides[d] = stride;
      stride *= extents[d];
    }
    var tensor = create(arena, "cudnnCreateTensorDescriptor");
    setTensor(arena, tensor, 0, extents, strides);
    var size = arena.allocate(NativeTypes.C_LONG);
    int status = status("cudnnDropoutGetReserveSpaceSize", tensor, size);
    destroy("cudnnDestroyTensorDescriptor", tensor);
    return status + " " + size.get(NativeTypes.C_LONG, 0);
  }

  private String rnn(Arena arena, List<Number> a) {
    var rnn = create(arena, "cudnnCreateRNNDescriptor");
    var dropout = create(arena, "cudnnCreateDropoutDescriptor");
    // Clipping shows what a refused change leaves alone and an accepted one resets.
    status("cudnnRNNSetClip_v9", rnn, 1, -3.0, 3.0);
    var arguments = new Object[15];
    arguments[0] = rnn;
    for (int i = 0; i < a.size(); i++) {
      arguments[i + 1] = a.get(i).intValue();
    }
    arguments[13] = a.get(12).intValue() == 0 ? NONE : dropout;
    var text = new StringBuilder().append(status("cudnnSetRNNDescriptor_v8", arguments));
    var fields = fill(arena, 12);
    var dropoutOut = arena.allocate(NativeTypes.C_POINTER);
    var flags = ints(arena, UNTOUCHED);
    for (int i = 0; i < 12; i++) {
      arguments[i + 1] = fields.asSlice(4L * i);
    }
    arguments[13] = dropoutOut;
    arguments[14] = flags;
    text.append(' ')
        .append(status("cudnnGetRNNDescriptor_v8", arguments))
        .append(text(fields))
        .append(dropoutOut.get(NativeTypes.C_POINTER, 0).equals(dropout))
        .append(text(flags))
        .append(clipOf(arena, rnn));
    destroy("cudnnDestroyRNNDescriptor", rnn);
    destroy("cudnnDestroyDropoutDescriptor", dropout);
    return text.toString();
  }

  private String clip(Arena arena, List<Number> a) {
    var rnn = create(arena, "cudnnCreateRNNDescriptor");
    int status = status("cudnnRNNSetClip_v9", rnn, a.get(0), a.get(1), a.get(2));
    String clip = clipOf(arena, rnn);
    destroy("cudnnDestroyRNNDescriptor", rnn);
    return status + clip;
  }

  private String clipOf(Arena arena, MemorySegment rnn) {
    var mode = ints(arena, UNTOUCHED);
    var bounds = arena.allocate(ValueLayout.JAVA_DOUBLE, 2);
    int status = status("cudnnRNNGetClip_v9", rnn, mode, bounds, bounds.asSlice(8));
    return " " + status + text(mode) + Arrays.toString(Segments.doubles(bounds));
  }

  private String sequences(Arena arena, List<Number> a) {
    var data = create(arena, "cudnnCreateRNNDataDescriptor");
    Object[] first = {data, 0, 0, 9, 1, 9, ints(arena, 9), NONE};
    status("cudnnSetRNNDataDescriptor", first);
    int[] lengths = a.stream().skip(7).mapToInt(Number::intValue).toArray();
    var fill = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, Math.PI);
    int status =
        status(
            "cudnnSetRNNDataDescriptor",
            data,
            a.get(2),
            a.get(3),
            a.get(4),
            a.get(5),
            a.get(6),
            lengths.length == 0 ? NONE : ints(arena, lengths),
            a.get(1).intValue() == 0 ? NONE : fill);
    var fields = fill(arena, 5);
    var lengthsOut = fill(arena, 8);
    var fillOut = arena.allocateFrom(ValueLayout.JAVA_LONG, -1);
    int got =
        status(
            "cudnnGetRNNDataDescriptor",
            data,
            fields,
            fields.asSlice(4),
            fields.asSlice(8),
            fields.asSlice(12),
            fields.asSlice(16),
            a.get(0),
            lengthsOut,
            fillOut);
    destroy("cudnnDestroyRNNDataDescriptor", data);
    long bits = fillOut.get(ValueLayout.JAVA_LONG, 0);
    return status + " " + got + text(fields) + text(lengthsOut) + Long.toHexString(bits);
  }

  private String ctc(Arena arena, List<Number> a) {
    var ctc = create(arena, "cudnnCreateCTCLossDescriptor");
    int status =
        status("cudnnSetCTCLossDescriptor_v9", ctc, a.get(0), a.get(1), a.get(2), a.get(3));
    var fields = fill(arena, 4);
    int got =
        status(
            "cudnnGetCTCLossDescriptor_v9",
            ctc,
            fields,
            fields.asSlice(4),
            fields.asSlice(8),
            fields.asSlice(12));
    destroy("cudnnDestroyCTCLossDescriptor", ctc);
    return status + " " + got + text(fields);
  }

  MemorySegment create(Arena arena, String name) {
    var out = arena.allocate(NativeTypes.C_POINTER);
    RawCudnn.succeed((int) call(name, out));
    return out.get(NativeTypes.C_POINTER, 0);
  }

  void destroy(String name, MemorySegment object) {
    RawCudnn.succeed((int) call(name, object));
  }

  static MemorySegment ints(Arena arena, int... values) {
    return arena.allocateFrom(ValueLayout.JAVA_INT, values);
  }

  static MemorySegment fill(Arena arena, int count) {
    var values = new int[count];
    Arrays.fill(values, UNTOUCHED);
    return ints(arena, values);
  }

  static String text(MemorySegment ints) {
    return Arrays.stream(Segments.ints(ints))
        .filter(i -> i != UNTOUCHED)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(" ", " [", "] "));
  }
}
