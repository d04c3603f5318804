package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Translator;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/**
 * How much each letter of a text counts for each symbol that is written for it.
 *
 * @param weights {@code [T][S]}, the ends of both included
 */
record AttentionMap(String title, String read, List<String> written, double[][] weights) {

  private static final int MARGIN = 60;

  static AttentionMap of(
      Translator model, String title, String read, String text, List<String> written) {
    return new AttentionMap(title, read, written, model.attention(read, text));
  }

  /** Draws maps, so many in a row: letters from left to right, what is written downwards. */
  static BufferedImage picture(List<AttentionMap> maps, int columns, int cell) {
    int width = MARGIN + cell * maps.stream().mapToInt(m -> m.read.length() + 2).max().orElse(0);
    int height = MARGIN + cell * maps.stream().mapToInt(m -> m.weights.length + 1).max().orElse(0);
    int rows = Math.ceilDiv(maps.size(), columns);
    var image = new BufferedImage(columns * width, rows * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    pen.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, cell / 2 + 3));
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, image.getWidth(), image.getHeight());
    for (int i = 0; i < maps.size(); i++) {
      pen.translate(i % columns * width + MARGIN, i / columns * height + MARGIN);
      maps.get(i).draw(pen, cell);
      pen.translate(-(i % columns * width + MARGIN), -(i / columns * height + MARGIN));
    }
    pen.dispose();
    return image;
  }

  private void draw(Graphics2D pen, int cell) {
    pen.setColor(Color.BLACK);
    pen.drawString(title, 0, -32);
    for (int s = 0; s < read.length(); s++) {
      pen.drawString(read.substring(s, s + 1), s * cell + cell / 3, -6);
    }
    for (int t = 0; t < weights.length; t++) {
      pen.setColor(Color.BLACK);
      pen.drawString(t < written.size() ? written.get(t) : "end", -36, t * cell + 3 * cell / 4);
      for (int s = 0; s < weights[t].length; s++) {
        pen.setColor(
            Color.getHSBColor(0.6f, (float) weights[t][s], 1 - 0.4f * (float) weights[t][s]));
        pen.fillRect(s * cell, t * cell, cell - 1, cell - 1);
      }
    }
  }
}
