import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.pdf.modifications.DefaultPdfDifferencesFinder;
import eu.europa.esig.dss.pdf.pdfbox.PdfBoxNativeObjectFactory;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Usage: DssCheck ANCHORS.pem[,MORE.pem] FILE.pdf...
 *
 * Validates each file offline, with the given certificates as the only trust anchors, and prints one JSON object a line:
 * {"file", "error" or "signatures": [{"id", "signer", "indication", "sub_indication", "level", "errors", "warnings"}],
 * "timestamps": [{"id", "indication", "sub_indication", "errors", "warnings"}]}. It judges nothing itself.
 */
public final class DssCheck {
  private DssCheck() {}

  public static void main(String[] arguments) throws Exception {
    CommonTrustedCertificateSource anchors = new CommonTrustedCertificateSource();
    for (String path : arguments[0].split(",")) {
      try (InputStream pem = new FileInputStream(new File(path))) {
        anchors.addCertificate(DSSUtils.loadCertificate(pem));
      }
    }
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (int i = 1; i < arguments.length; i++) {
      out.println(report(arguments[i], anchors));
    }
  }

  private static String report(String path, CommonTrustedCertificateSource anchors) {
    StringBuilder json = new StringBuilder("{\"file\":").append(text(path));
    try {
      SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(path));
      CommonCertificateVerifier verifier = new CommonCertificateVerifier();
      verifier.setTrustedCertSources(anchors);
      validator.setCertificateVerifier(verifier);
      if (validator instanceof PDFDocumentValidator) {
        ((PDFDocumentValidator) validator).setPdfObjFactory(pages());
      }
      Reports reports = validator.validateDocument();
      SimpleReport simple = reports.getSimpleReport();
      json.append(",\"signatures\":[");
      String comma = "";
      for (String id : simple.getSignatureIdList()) {
        json.append(comma)
            .append("{\"signer\":").append(text(simple.getSignedBy(id)))
            .append(",\"level\":").append(text(String.valueOf(simple.getSignatureFormat(id))))
            .append(common(simple, id)).append("}");
        comma = ",";
      }
      json.append("],\"timestamps\":[");
      comma = "";
      for (TimestampWrapper timestamp : reports.getDiagnosticData().getTimestampList()) {
        String id = timestamp.getId();
        json.append(comma)
            .append("{\"type\":").append(text(String.valueOf(timestamp.getType())))
            .append(common(simple, id)).append("}");
        comma = ",";
      }
      json.append("]");
    } catch (Throwable failure) {
      json.append(",\"error\":").append(text(failure.toString()));
    }
    return json.append("}").toString();
  }

  /** Comparing how pages look costs a second for each page of a long document, once for each signature. */
  private static PdfBoxNativeObjectFactory pages() {
    DefaultPdfDifferencesFinder finder = new DefaultPdfDifferencesFinder();
    finder.setMaximalPagesAmountForVisualComparison(30);
    PdfBoxNativeObjectFactory factory = new PdfBoxNativeObjectFactory();
    factory.setPdfDifferencesFinder(finder);
    return factory;
  }

  private static String common(SimpleReport simple, String id) {
    return ",\"indication\":" + text(String.valueOf(simple.getIndication(id)))
        + ",\"sub_indication\":" + text(String.valueOf(simple.getSubIndication(id)))
        + ",\"errors\":" + texts(simple.getAdESValidationErrors(id))
        + ",\"warnings\":" + texts(simple.getAdESValidationWarnings(id));
  }

  private static String texts(List<Message> messages) {
    StringBuilder json = new StringBuilder("[");
    for (Message message : messages) {
      json.append(json.length() > 1 ? "," : "").append(text(message.getValue()));
    }
    return json.append("]").toString();
  }

  private static String text(String value) {
    if (value == null) {
      return "null";
    }
    StringBuilder json = new StringBuilder("\"");
    for (char c : value.toCharArray()) {
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < 0x20) {
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"').toString();
  }
}
