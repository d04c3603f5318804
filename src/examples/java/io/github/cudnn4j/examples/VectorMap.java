package io.github.cudnn4j.examples;

import module java.base;

import java.awt.Color;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;

/** Draws vectors in the plane in which they differ most. */
final class VectorMap {

  private VectorMap() {}

  /**
   * Draws some vectors, each with its name and a line to the one that it is to be near to, whose
   * copies are grey points.
   *
   * @param to in the order of {@code from}; behind them so many copies of each
   */
  static XYChart of(
      String title,
      List<String> names,
      List<double[]> from,
      List<double[]> to,
      int copies,
      int some) {
    var chart = Pictures.curves(title, "first component", "second component");
    chart.getStyler().setLegendVisible(false);
    var axes =
        Vectors.components(
            Stream.concat(from.stream(), to.subList(0, from.size()).stream()).toList(), 2);
    for (int i = 0; i < from.size(); i += Math.max(1, from.size() / some)) {
      var line = add(chart, i + "", List.of(from.get(i), to.get(i)), axes);
      double[] x = line.getXData();
      chart.addAnnotation(new AnnotationText(names.get(i), x[0], line.getYData()[0], false));
      int first = from.size() + i * copies;
      if (copies > 0) {
        add(chart, i + " copies", to.subList(first, first + copies), axes)
            .setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter)
            .setMarkerColor(Color.LIGHT_GRAY);
      }
    }
    return chart;
  }

  private static XYSeries add(
      XYChart chart, String name, List<double[]> vectors, List<double[]> axes) {
    var columns =
        axes.stream()
            .map(axis -> vectors.stream().mapToDouble(one -> Vectors.dot(one, axis)).toArray())
            .toList();
    return chart.addSeries(name, columns.get(0), columns.get(1));
  }
}
