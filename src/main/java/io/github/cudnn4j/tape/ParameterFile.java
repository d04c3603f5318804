package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a file that a set can have, all of them read and checked.
 *
 * @param values of those tensors of the set that have others now
 */
record ParameterFile(Map<Parameter, double[]> values, LoadReport report) {

  /**
   * Reads what fits.
   *
   * @param known the shapes of the set's tensors, by all names that they have
   * @param rename gives the names in the set of those in the file, null for what is not wanted
   * @throws IOException if reading fails, two tensors of the file are to be one and differ, or a
   *     weight is not finite
   */
  static ParameterFile read(
      SafeTensors file, Map<String, Parameter> known, Function<String, @Nullable String> rename)
      throws IOException {
    var leftOver = new ArrayList<String>();
    var otherShape = new ArrayList<String>();
    var values = new LinkedHashMap<Parameter, double[]>();
    var sources = new TreeMap<String, String>();
    for (String source : file.names()) {
      String name = rename.apply(source);
      if (name == null) {
        continue;
      }
      Parameter parameter = known.get(name);
      if (parameter == null) {
        leftOver.add(source);
        continue;
      }
      long[] shape = longs(parameter.shape());
      if (!Arrays.equals(shape, file.shape(source))) {
        sources.put(parameter.name(), source);
        otherShape.add(
            String.format(
                Locale.ROOT,
                "%s is %s in the file and %s in the model",
                source,
                Arrays.toString(file.shape(source)),
                Arrays.toString(shape)));
        continue;
      }
      double[] read = requireFinite(file, source);
      double[] other = values.putIfAbsent(parameter, read);
      String before = sources.putIfAbsent(parameter.name(), source);
      if (other != null && !Arrays.equals(other, read)) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s: %s and %s differ, but both are %s of the model",
                file,
                before,
                source,
                parameter.name()));
      }
    }
    List<String> missing =
        known.values().stream()
            .map(Parameter::name)
            .distinct()
            .filter(name -> !sources.containsKey(name))
            .toList();
    return new ParameterFile(
        values,
        new LoadReport(
            values.keySet().stream().map(Parameter::name).toList(), missing, leftOver, otherShape));
  }

  /** Adds a tensor to a file. */
  static void add(SafeTensorsWriter file, Parameter parameter, ElementType type, double[] values) {
    if (type == ElementType.FLOAT64) {
      file.add(parameter.name(), longs(parameter.shape()), values);
    } else {
      file.add(parameter.name(), longs(parameter.shape()), Parameter.toFloats(values));
    }
  }

  private static long[] longs(int[] shape) {
    return Arrays.stream(shape).asLongStream().toArray();
  }

  /** A model with such a weight predicts nothing. */
  private static double[] requireFinite(SafeTensors file, String name) throws IOException {
    double[] values = file.doubles(name);
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new IOException(
            String.format(
                Locale.ROOT, "%s: element %d of %s is %s: no weight", file, i, name, values[i]));
      }
    }
    return values;
  }
}
