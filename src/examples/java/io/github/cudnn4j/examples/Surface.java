package io.github.cudnn4j.examples;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.List;

/** A picture of numbers in a square, low ones in dark blue, and ways through it. */
final class Surface {

  /** A place, each part from 0 to 1: from left to right, from top to bottom. */
  record Place(double x, double y) {}

  private static final int PIXELS = 500;

  private final BufferedImage image = new BufferedImage(PIXELS, PIXELS, BufferedImage.TYPE_INT_RGB);
  private final Graphics2D pen = image.createGraphics();

  /**
   * Draws the numbers.
   *
   * @param heights from 0 to 1, rows of a square from its top
   */
  Surface(double[] heights) {
    int side = (int) Math.sqrt(heights.length);
    for (int y = 0; y < PIXELS; y++) {
      for (int x = 0; x < PIXELS; x++) {
        float height = (float) heights[y * side / PIXELS * side + x * side / PIXELS];
        image.setRGB(x, y, Color.HSBtoRGB(0.62f - 0.5f * height, 0.5f, 0.35f + 0.65f * height));
      }
    }
    pen.setStroke(new BasicStroke(2));
  }

  /** Draws a way with a dot at its end. */
  void way(List<Place> places, Color color) {
    pen.setColor(color);
    int[] xs = places.stream().mapToInt(place -> (int) (place.x * PIXELS)).toArray();
    int[] ys = places.stream().mapToInt(place -> (int) (place.y * PIXELS)).toArray();
    pen.drawPolyline(xs, ys, xs.length);
    pen.fillOval(xs[xs.length - 1] - 5, ys[ys.length - 1] - 5, 10, 10);
  }

  BufferedImage image() {
    return image;
  }
}
