package io.github.cudnn4j.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A parameter of a kernel as its source declares it.
 *
 * @param name its name
 * @param kind what a value for it is
 * @param element what a pointer points to; null for other kinds, and for {@code void *}
 * @param written whether the kernel may write to what a pointer points to
 * @param extent how many elements a pointer needs, bytes for {@code void *}; 0 for other kinds
 */
record KernelParameter(
    String name, Kind kind, @Nullable ElementType element, boolean written, KernelExtent extent) {
  enum Kind {
    POINTER,
    INT,
    LONG,
    FLOAT,
    DOUBLE
  }

  private static final Pattern PARAMETER = Pattern.compile("(.*[\\s*])(\\w+)", Pattern.DOTALL);

  private static final KernelExtent NOTHING = arguments -> 0;

  /**
   * Reads a declaration.
   *
   * @param declaration the text between the parentheses of the parameters
   * @param extents the text between those of the extents
   */
  static List<KernelParameter> parse(String declaration, String extents) {
    var parameters = parse(declaration);
    var names = parameters.stream().map(KernelParameter::name).toList();
    var needed = KernelExtent.parse(extents, names).iterator();
    parameters.replaceAll(
        parameter ->
            parameter.kind == Kind.POINTER
                ? new KernelParameter(
                    parameter.name,
                    parameter.kind,
                    parameter.element,
                    parameter.written,
                    needed.next())
                : parameter);
    return parameters;
  }

  private static List<KernelParameter> parse(String declaration) {
    var parameters = new ArrayList<KernelParameter>();
    if (declaration.isBlank()) {
      return parameters;
    }
    for (var text : declaration.split(",")) {
      var matcher = PARAMETER.matcher(text.strip());
      if (!matcher.matches()) {
        throw new IllegalArgumentException("cannot read the parameter '" + text.strip() + "'");
      }
      parameters.add(of(matcher.group(2), matcher.group(1)));
    }
    return parameters;
  }

  private static KernelParameter of(String name, String declared) {
    boolean written = !declared.matches("(?s).*\\bconst\\b.*");
    var type =
        declared
            .replaceAll("\\b(const|__restrict__|__restrict)\\b", " ")
            .replaceAll("\\s+", " ")
            .replace(" *", "*")
            .strip();
    return switch (type) {
      case "int" -> new KernelParameter(name, Kind.INT, null, false, NOTHING);
      case "long long" -> new KernelParameter(name, Kind.LONG, null, false, NOTHING);
      case "float" -> new KernelParameter(name, Kind.FLOAT, null, false, NOTHING);
      case "double" -> new KernelParameter(name, Kind.DOUBLE, null, false, NOTHING);
      case "void*" -> new KernelParameter(name, Kind.POINTER, null, written, NOTHING);
      case "float*" ->
          new KernelParameter(name, Kind.POINTER, ElementType.FLOAT32, written, NOTHING);
      case "double*" ->
          new KernelParameter(name, Kind.POINTER, ElementType.FLOAT64, written, NOTHING);
      case "int*" -> new KernelParameter(name, Kind.POINTER, ElementType.INT32, written, NOTHING);
      case "long long*" ->
          new KernelParameter(name, Kind.POINTER, ElementType.INT64, written, NOTHING);
      case "f16*" -> new KernelParameter(name, Kind.POINTER, ElementType.FLOAT16, written, NOTHING);
      case "bf16*" ->
          new KernelParameter(name, Kind.POINTER, ElementType.BFLOAT16, written, NOTHING);
      case "unsigned char*" ->
          new KernelParameter(name, Kind.POINTER, ElementType.UINT8, written, NOTHING);
      default ->
          throw new IllegalArgumentException(
              "parameter '" + name + "' has type '" + type + "', which kernels do not have");
    };
  }

  @Override
  public String toString() {
    return (kind == Kind.POINTER
            ? "DeviceBuffer" + (element == null ? "" : " of " + element)
            : kind.name().toLowerCase(Locale.ROOT))
        + " "
        + name;
  }
}
