package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Vocabulary;
import java.awt.Color;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;

/** Draws vectors in the plane in which they differ most. */
final class VectorMap {

  /** Half a letter of a name, as a part of a map's width. */
  private static final double HALF_LETTER = 0.0035;

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
    int longest = 0;
    for (int i = 0; i < from.size(); i += Math.max(1, from.size() / some)) {
      var line = add(chart, i + "", List.of(from.get(i), to.get(i)), axes);
      String name = names.get(i).replace(Vocabulary.UNKNOWN, "…");
      double x = line.getXData()[0], y = line.getYData()[0];
      chart.addAnnotation(new AnnotationText(name, x, y, false));
      longest = Math.max(longest, name.length());
      int first = from.size() + i * copies;
      if (copies > 0) {
        add(chart, i + " copies", to.subList(first, first + copies), axes)
            .setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter)
            .setMarkerColor(Color.LIGHT_GRAY);
      }
    }
    var ends =
        chart.getSeriesMap().values().stream()
            .flatMapToDouble(series -> DoubleStream.of(series.getXData()))
            .summaryStatistics();
    double beside = HALF_LETTER * longest / (1 - 2 * HALF_LETTER * longest);
    double margin = beside * (ends.getMax() - ends.getMin());
    chart.getStyler().setXAxisMin(ends.getMin() - margin).setXAxisMax(ends.getMax() + margin);
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
