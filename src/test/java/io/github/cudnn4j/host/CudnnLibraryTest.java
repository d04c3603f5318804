package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.lastError;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Versions, status texts, handles and what becomes of objects that are gone. */
class CudnnLibraryTest {
  private RawCudnn cudnn;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
    lastError();
  }

  @AfterEach
  void close() {
    cudnn.close();
  }

  @Test
  void theVersionIsThatOfItsParts() {
    long version = Cudnn.cudnnGetVersion();
    assertTrue(version >= 90000, "version " + version);
    assertEquals(
        version,
        10000 * property(Cudnn.MAJOR_VERSION())
            + 100 * property(Cudnn.MINOR_VERSION())
            + property(Cudnn.PATCH_LEVEL()));
    assertTrue(Cudnn.cudnnGetCudartVersion() >= 12000);
    succeed(Cudnn.cudnnGraphVersionCheck());
    succeed(Cudnn.cudnnOpsVersionCheck());
    succeed(Cudnn.cudnnAdvVersionCheck());
    assertCategory(Cudnn.CUDNN_STATUS_BAD_PARAM(), Cudnn.cudnnGetProperty(3, cudnn.ints(0)));
    assertCategory(Cudnn.CUDNN_STATUS_BAD_PARAM(), Cudnn.cudnnGetProperty(0, MemorySegment.NULL));
  }

  private int property(int which) {
    var value = cudnn.ints(-1);
    succeed(Cudnn.cudnnGetProperty(which, value));
    return value.get(ValueLayout.JAVA_INT, 0);
  }

  @Test
  void aStatusHasTheNameOfItsConstant() {
    assertEquals("CUDNN_STATUS_SUCCESS", RawCudnn.name(Cudnn.CUDNN_STATUS_SUCCESS()));
    assertEquals("CUDNN_STATUS_BAD_PARAM", RawCudnn.name(Cudnn.CUDNN_STATUS_BAD_PARAM()));
    assertEquals(
        "CUDNN_STATUS_EXECUTION_FAILED_CURAND",
        RawCudnn.name(Cudnn.CUDNN_STATUS_EXECUTION_FAILED_CURAND()));
    assertEquals("CUDNN_UNKNOWN_STATUS", RawCudnn.name(1));
    assertEquals("CUDNN_UNKNOWN_STATUS", RawCudnn.name(123456));
  }

  @Test
  void theLastErrorIsClearedByReadingAndNotBySuccess() {
    badDims(0);
    succeed(Cudnn.cudnnAdvVersionCheck());
    assertNotEquals("", lastError());
    assertEquals("", lastError());
  }

  @Test
  void theLastErrorIsTheNewestAndIsTruncatedToTheRoomGiven() {
    badDims(0);
    badDims(1);
    var text = cudnn.arena.allocateFrom("x".repeat(15));
    Cudnn.cudnnGetLastErrorString(text, 0);
    assertEquals('x', text.get(ValueLayout.JAVA_BYTE, 0), "no room, nothing written");
    Cudnn.cudnnGetLastErrorString(text, 8);
    assertEquals(7, text.getString(0).length());
    assertEquals('x', text.get(ValueLayout.JAVA_BYTE, 8));
    assertEquals("", lastError());
  }

  @Test
  void theHostDeviceNamesTheArgumentAndTheLimit() {
    assumeTrue(RawCudnn.onHost());
    badDims(1);
    assertEquals("nbDims is 1, at least 2 are needed", lastError());
  }

  @Test
  void theLastErrorBelongsToItsThread() throws Exception {
    badDims(0);
    var other = new FutureTask<>(RawCudnn::lastError);
    Thread.ofPlatform().start(other);
    assertEquals("", other.get());
    assertNotEquals("", lastError());
  }

  private void badDims(int count) {
    var tensor = cudnn.tensor();
    assertCategory(
        Cudnn.CUDNN_STATUS_BAD_PARAM(),
        Cudnn.cudnnSetTensorNdDescriptor(
            tensor, Cudnn.CUDNN_DATA_FLOAT(), count, cudnn.ints(1, 1), cudnn.ints(1, 1)));
  }

  @Test
  void creatingNeedsAPlaceAndDestroyingNullIsFine() {
    int bad = Cudnn.CUDNN_STATUS_BAD_PARAM();
    var none = MemorySegment.NULL;
    assertCategory(bad, Cudnn.cudnnCreate(none));
    assertCategory(bad, Cudnn.cudnnCreateTensorDescriptor(none));
    assertCategory(bad, Cudnn.cudnnCreateDropoutDescriptor(none));
    assertCategory(bad, Cudnn.cudnnCreateRNNDescriptor(none));
    assertCategory(bad, Cudnn.cudnnCreateRNNDataDescriptor(none));
    assertCategory(bad, Cudnn.cudnnCreateCTCLossDescriptor(none));
    succeed(Cudnn.cudnnDestroy(none));
    succeed(Cudnn.cudnnDestroyTensorDescriptor(none));
    succeed(Cudnn.cudnnDestroyDropoutDescriptor(none));
    succeed(Cudnn.cudnnDestroyRNNDescriptor(none));
    succeed(Cudnn.cudnnDestroyRNNDataDescriptor(none));
    succeed(Cudnn.cudnnDestroyCTCLossDescriptor(none));
  }

  @Test
  void aHandleKeepsItsStream() {
    var out = cudnn.arena.allocate(NativeTypes.C_POINTER);
    succeed(Cudnn.cudnnGetStream(cudnn.handle, out));
    assertEquals(0, out.get(NativeTypes.C_POINTER, 0).address());
    assertEquals(
        Cudart.cudaSuccess(),
        Cudart.cudaStreamCreateWithFlags(out, Cudart.cudaStreamNonBlocking()));
    var stream = out.get(NativeTypes.C_POINTER, 0);
    succeed(Cudnn.cudnnSetStream(cudnn.handle, stream));
    succeed(Cudnn.cudnnGetStream(cudnn.handle, out));
    assertEquals(stream, out.get(NativeTypes.C_POINTER, 0));
    succeed(Cudnn.cudnnSetStream(cudnn.handle, MemorySegment.NULL));
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaStreamDestroy(stream));
    int bad = Cudnn.CUDNN_STATUS_BAD_PARAM();
    assertCategory(bad, Cudnn.cudnnSetStream(MemorySegment.NULL, MemorySegment.NULL));
    assertCategory(bad, Cudnn.cudnnGetStream(MemorySegment.NULL, out));
    assertCategory(bad, Cudnn.cudnnGetStream(cudnn.handle, MemorySegment.NULL));
    if (RawCudnn.onHost()) {
      assertCategory(bad, Cudnn.cudnnSetStream(cudnn.handle, stream));
    }
  }

  @Test
  void theHostDeviceKnowsWhatIsGone() {
    assumeTrue(RawCudnn.onHost());
    int bad = Cudnn.CUDNN_STATUS_BAD_PARAM();
    var out = cudnn.arena.allocate(NativeTypes.C_POINTER);
    succeed(Cudnn.cudnnCreateTensorDescriptor(out));
    var tensor = out.get(NativeTypes.C_POINTER, 0);
    assertCategory(bad, Cudnn.cudnnDestroyRNNDescriptor(tensor));
    succeed(Cudnn.cudnnDestroyTensorDescriptor(tensor));
    assertCategory(bad, Cudnn.cudnnDestroyTensorDescriptor(tensor));
    assertCategory(bad, Cudnn.cudnnGetTensorSizeInBytes(tensor, cudnn.arena.allocate(8)));
    succeed(Cudnn.cudnnCreate(out));
    var handle = out.get(NativeTypes.C_POINTER, 0);
    succeed(Cudnn.cudnnDestroy(handle));
    assertCategory(bad, Cudnn.cudnnDestroy(handle));
    assertCategory(bad, Cudnn.cudnnDropoutGetStatesSize(handle, cudnn.arena.allocate(8)));
    assertCategory(bad, Cudnn.cudnnGetStream(MemorySegment.ofAddress(0x1234), out));
  }

  @Test
  void setTensorRepeatsOneValueOverStrides() {
    for (int type :
        new int[] {
          Cudnn.CUDNN_DATA_FLOAT(),
          Cudnn.CUDNN_DATA_DOUBLE(),
          Cudnn.CUDNN_DATA_HALF(),
          Cudnn.CUDNN_DATA_BFLOAT16()
        }) {
      var memory = cudnn.upload(type, 0, 1, 2, 3, 4, 5, 6, 7);
      var tensor = cudnn.tensor(type, new int[] {2, 3}, new int[] {4, 1});
      succeed(Cudnn.cudnnSetTensor(cudnn.handle, tensor, memory, cudnn.scalar(type, 9)));
      assertArrayEquals(new double[] {9, 9, 9, 3, 9, 9, 9, 7}, cudnn.read(memory, type, 8));
    }
  }
}
