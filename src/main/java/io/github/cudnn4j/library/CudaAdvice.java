package io.github.cudnn4j.library;

import java.util.Locale;

/** What a user can do about CUDA not being usable, in the words of his package manager. */
final class CudaAdvice {
  private final Findings findings;

  CudaAdvice(Findings findings) {
    this.findings = findings;
  }

  // Oldest drivers: "CUDA Toolkit and Minimum Required Driver Version" in CUDA's release notes.
  private static String oldestDriver(int cudaMajor) {
    return cudaMajor >= 13 ? "580.65.06" : "525.60.13";
  }

  void noDriver() {
    findings.advise(
        "To use a GPU, install NVIDIA's driver, "
            + oldestDriver(13)
            + " or newer for CUDA 13, "
            + oldestDriver(12)
            + " or newer for CUDA 12 (Ubuntu: apt install nvidia-driver-580). nvidia-smi then lists"
            + " the GPU.");
    findings.advise(
        "In a container: start it with the NVIDIA Container Toolkit (docker run --gpus all).");
  }

  void oldDriver(int cudaMajor) {
    findings.advise(
        "Update NVIDIA's driver: CUDA "
            + cudaMajor
            + " needs "
            + oldestDriver(cudaMajor)
            + " or newer."
            + (cudaMajor > 12 ? " Or stay with it and install the libraries of CUDA 12." : ""));
    if (cudaMajor > 12) {
      toolkit(12);
    }
  }

  void noDevice() {
    findings.advise(
        "The driver shows no GPU to this process: see what nvidia-smi says, whether"
            + " CUDA_VISIBLE_DEVICES hides it, and in a container whether it was started with"
            + " --gpus all.");
  }

  void brokenDevice() {
    findings.advise(
        "See with nvidia-smi whether the GPU is in an exclusive compute mode, out of memory, or in"
            + " error.");
  }

  void noToolkit() {
    toolkit(13);
    places();
  }

  void noCudnn(int cudaMajor) {
    findings.advise(
        String.format(
                Locale.ROOT,
                "Install cuDNN 9 for CUDA %d: pip install nvidia-cudnn-cu%d, or with NVIDIA's"
                    + " package",
                cudaMajor,
                cudaMajor)
            + " repository apt install libcudnn9-cuda-"
            + cudaMajor
            + ".");
    places();
  }

  private void toolkit(int cudaMajor) {
    findings.advise(
        cudaMajor >= 13
            ? "Install CUDA 13's libraries: pip install nvidia-cuda-runtime nvidia-cublas"
                + " nvidia-cuda-nvrtc nvidia-cudnn-cu13, or with NVIDIA's package repository apt"
                + " install cuda-cudart-13-0 libcublas-13-0 cuda-nvrtc-13-0 libcudnn9-cuda-13."
            : "Install CUDA 12's libraries: pip install nvidia-cuda-runtime-cu12"
                + " nvidia-cublas-cu12 nvidia-cuda-nvrtc-cu12 nvidia-cudnn-cu12, or with NVIDIA's"
                + " package repository apt install cuda-cudart-12-9 libcublas-12-9 cuda-nvrtc-12-9"
                + " libcudnn9-cuda-12.");
  }

  private void places() {
    findings.advise(
        String.format(
            Locale.ROOT,
            "If they are installed elsewhere, name the folders: -D%s=FOLDER[:FOLDER] -D%s=FOLDER.",
            Settings.CUDA_PATH,
            Settings.CUDNN_PATH));
  }
}
