package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;

/** The settings of a {@link CtcLoss}. */
final class CtcDescriptor extends Descriptor {
  private CtcDescriptor(Device device) {
    super(
        device,
        "CTCLossDescriptor",
        Cudnn::cudnnCreateCTCLossDescriptor,
        Cudnn::cudnnDestroyCTCLossDescriptor);
  }

  static CtcDescriptor create(
      Device device, LossNormalization normalization, CtcGradientMode mode, int maxLabels) {
    Parts parts = new Parts();
    try {
      CtcDescriptor descriptor = parts.add(new CtcDescriptor(device));
      CudnnException.check(
          Cudnn.cudnnSetCTCLossDescriptor_v9(
              descriptor.pointer(),
              Cudnn.CUDNN_DATA_FLOAT(),
              normalization.code(),
              mode.code(),
              maxLabels),
          "cudnnSetCTCLossDescriptor_v9",
          descriptor);
      return descriptor;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }
}
