package io.github.cudnn4j.cli;

import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.library.LibraryReport;
import io.github.cudnn4j.library.NativeLibraries;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * Says which libraries were looked for, found and refused, which device is used, and what to do.
 */
@Command(
    name = "doctor",
    description = "Tell which native libraries were found, which device is used, and what to do.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {

  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  /** 0 if the device that was asked for can be used. */
  @Override
  public Integer call() {
    DeviceChoice choice = device.choice();
    LibraryReport report = NativeLibraries.diagnose(choice);
    spec.commandLine().getOut().println(report);
    return report.kind() == null ? 1 : 0;
  }
}
