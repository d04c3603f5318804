package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.onnx.OnnxGraph;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes a trained model for another runtime. */
@Command(
    name = "export",
    description = {
      "Write a trained model as a file of ONNX.",
      "A language model reads tokens and the state before them, and gives logits and the state"
          + " after them; a classifier, a tagger and a recogniser read rows and their lengths. A"
          + " translator cannot be written."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ExportCommand implements Callable<Integer> {

  @Mixin private CheckpointOption checkpoint = new CheckpointOption();

  @Option(
      names = "--onnx",
      required = true,
      paramLabel = "FILE",
      description = "Where to write; what is there is replaced.")
  private Path file;

  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    try (Device opened = Device.open(device.choice());
        Model model = checkpoint.load(opened)) {
      OnnxGraph graph = model.onnx();
      Main.makeFolderOf("--onnx", file);
      graph.write(file);
      spec.commandLine().getOut().println("wrote " + file);
    }
    return 0;
  }
}
