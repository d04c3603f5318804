import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DlPackTensor;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.rnn.RnnWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What DJL's PyTorch engine and cudnn4j share: memory, without a copy, and weights. A handle of
 * DJL's arrays is the address of libtorch's tensor, which libtorch's own functions take.
 */
final class Djl {
  private static final ValueLayout.OfLong POINTER = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  /** Loaded by DJL, so the name is enough. */
  private static final SymbolLookup TORCH =
      SymbolLookup.libraryLookup("libtorch_cpu.so", Arena.global());

  /** {@code DLManagedTensor* at::toDLPack(const at::Tensor&)}. */
  private static final MethodHandle TO_DLPACK =
      function("_ZN2at8toDLPackERKNS_6TensorE", POINTER, POINTER);

  private static final MethodHandle FROM_BLOB =
      function(
          "aoti_torch_create_tensor_from_blob",
          INT,
          ValueLayout.ADDRESS, // data
          ValueLayout.JAVA_LONG, // dimensions
          ValueLayout.ADDRESS, // their sizes
          ValueLayout.ADDRESS, // and strides
          ValueLayout.JAVA_LONG, // offset
          INT, // element type
          INT, // device type
          INT, // device
          ValueLayout.ADDRESS); // the new tensor

  /** Such as r_0_h2h_BIAS, which is bias_hh_l0_reverse. */
  private static final Pattern OWN_NAME = Pattern.compile("([lr])_(\\d+)_([ih])2h_(WEIGHT|BIAS)");

  private Djl() {}

  private static MethodHandle function(String name, ValueLayout result, ValueLayout... arguments) {
    return Linker.nativeLinker()
        .downcallHandle(TORCH.findOrThrow(name), FunctionDescriptor.of(result, arguments));
  }

  private static int constant(String function) {
    try {
      return (int) function(function, INT).invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Shares an array with the device: the CPU's with the host device, a GPU's with that GPU. The
   * tensor keeps the memory until it is closed, even if the array is closed before.
   */
  static DlPackTensor share(Device device, NDArray array) {
    long managed;
    try {
      managed = (long) TO_DLPACK.invokeExact((long) ((PtNDArray) array).getHandle());
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    return DlPackTensor.of(device, managed);
  }

  /**
   * Shares a buffer with DJL. The buffer stays open for as long as the array is used, and whoever
   * reads one side waits for what the other still computes.
   */
  static NDArray share(NDManager manager, DeviceBuffer buffer, long... shape) {
    Device device = buffer.device();
    boolean host = device.kind() == DeviceKind.HOST;
    long[] strides = new long[shape.length];
    long elements = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = elements;
      elements *= shape[i];
    }
    if (elements != buffer.elements()) {
      throw new IllegalArgumentException(
          "the shape has " + elements + " elements, the buffer " + buffer.elements());
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment tensor = arena.allocate(POINTER);
      int status =
          (int)
              FROM_BLOB.invokeExact(
                  buffer.pointer(),
                  (long) shape.length,
                  arena.allocateFrom(ValueLayout.JAVA_LONG, shape),
                  arena.allocateFrom(ValueLayout.JAVA_LONG, strides),
                  0L,
                  constant("aoti_torch_dtype_" + buffer.type().name().toLowerCase(Locale.ROOT)),
                  constant("aoti_torch_device_type_" + (host ? "cpu" : "cuda")),
                  host ? 0 : device.ordinal(),
                  tensor);
      if (status != 0) {
        throw new IllegalStateException("aoti_torch_create_tensor_from_blob returned " + status);
      }
      return new PtNDArray((PtNDManager) manager, tensor.get(POINTER, 0));
    } catch (RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Sets a network's weights by those of a block: TorchScript's, in which the network has any name,
   * or DJL's own LSTM, GRU or RNN, whose gates lie as PyTorch's do.
   */
  static void load(RnnWeights weights, Block block) {
    for (var parameter : block.getParameters()) {
      String name = parameter.getKey().replaceFirst(".*\\.", "");
      Matcher own = OWN_NAME.matcher(name);
      if (own.matches()) {
        String reverse = own.group(1).equals("r") ? "_reverse" : "";
        String kind = own.group(4).toLowerCase(Locale.ROOT);
        name = kind + "_" + own.group(3) + "h_l" + own.group(2) + reverse;
      }
      weights.parameter(name).copyFrom(parameter.getValue().getArray().toFloatArray());
    }
  }
}
