package io.github.cudnn4j.examples;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Charts and images, 960 pixels wide where nothing else is said. */
final class Pictures {

  /** A line through points, and its name. */
  record Curve(String name, List<? extends Number> x, List<? extends Number> y) {}

  private Pictures() {}

  /** Writes a chart or an image as PNG. */
  static void write(Object picture, Path file) throws IOException {
    var image =
        picture instanceof Chart<?, ?> chart
            ? BitmapEncoder.getBufferedImage(chart)
            : (BufferedImage) picture;
    ImageIO.write(image, "png", file.toFile());
  }

  /** Returns a chart of bars without any. */
  static CategoryChart bars(String title, String x, String y) {
    return styled(
        new CategoryChartBuilder()
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .width(960)
            .height(540)
            .build());
  }

  /** Returns a chart of curves, which may be none. */
  static XYChart curves(String title, String x, String y, Curve... curves) {
    var chart =
        styled(
            new XYChartBuilder()
                .title(title)
                .xAxisTitle(x)
                .yAxisTitle(y)
                .width(960)
                .height(540)
                .build());
    for (Curve each : curves) {
      chart.addSeries(each.name, each.x, each.y).setMarker(SeriesMarkers.NONE);
    }
    return chart;
  }

  /** Returns a picture of both, one beside the other. */
  static BufferedImage beside(Chart<?, ?> chart, BufferedImage image) {
    BufferedImage first = BitmapEncoder.getBufferedImage(chart);
    int height = Math.max(first.getHeight(), image.getHeight());
    int width = first.getWidth() + image.getWidth();
    var both = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = both.createGraphics();
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, width, height);
    pen.drawImage(first, 0, 0, null);
    pen.drawImage(image, first.getWidth(), (height - image.getHeight()) / 2, null);
    pen.dispose();
    return both;
  }

  /** Draws numbers from 0 to 1 as percentages and colours, with names above and on the right. */
  static BufferedImage matrix(double[][] numbers, List<String> rows, List<String> columns) {
    int size = 48;
    int width = columns.size() * size;
    int text = rows.stream().mapToInt(String::length).max().orElse(0) * 10;
    var image =
        new BufferedImage(width + text, (rows.size() + 1) * size, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, image.getWidth(), image.getHeight());
    for (int i = 0; i < rows.size(); i++) {
      int y = (i + 1) * size;
      for (int j = 0; j < columns.size(); j++) {
        pen.setColor(Color.getHSBColor(0.6f, (float) numbers[i][j], 1));
        pen.fillRect(j * size, y, size - 2, size - 2);
        pen.setColor(Color.BLACK);
        pen.drawString("" + Math.round(100 * numbers[i][j]), j * size + 12, y + 30);
      }
      pen.drawString(rows.get(i), width + 12, y + 30);
    }
    for (int j = 0; j < columns.size(); j++) {
      pen.drawString(columns.get(j), j * size + 12, 30);
    }
    pen.dispose();
    return image;
  }

  /** Returns a chart of cells without any, white at 0 and dark at 1. */
  static HeatMapChart heatMap(String title, String x, String y) {
    var chart =
        new HeatMapChartBuilder()
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .width(960)
            .height(540)
            .build();
    var colors = new Color[] {Color.WHITE, new Color(60, 120, 200), new Color(10, 30, 80)};
    chart.getStyler().setMin(0).setMax(1).setRangeColors(colors).setHeatMapValueDecimalPattern("0");
    return styled(chart);
  }

  /** Draws lines of text. */
  static BufferedImage text(List<String> lines) {
    int height = 26;
    int most = lines.stream().mapToInt(String::length).max().orElse(1);
    var image = new BufferedImage(most * 11, lines.size() * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setFont(new Font(Font.MONOSPACED, Font.PLAIN, 16));
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, image.getWidth(), image.getHeight());
    pen.setColor(Color.BLACK);
    for (int i = 0; i < lines.size(); i++) {
      pen.drawString(lines.get(i), 8, i * height + 18);
    }
    pen.dispose();
    return image;
  }

  private static <C extends Chart<?, ?>> C styled(C chart) {
    chart.getStyler().setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false);
    return chart;
  }
}
