// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.exporting.EnterpriseElements;
import io.linuxflow.exporting.ExportOptions;
import io.linuxflow.exporting.ExportingProcess;
import io.linuxflow.exporting.FieldList;
import io.linuxflow.exporting.TemplateIds;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixException;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.Template;
import io.linuxflow.ipfix.TemplateStore;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.api.management.ManagedAttribute;
import org.apache.camel.api.management.ManagedResource;
import org.apache.camel.component.netty.NettyConstants;
import org.apache.camel.spi.DataFormat;
import org.apache.camel.spi.DataFormatName;
import org.apache.camel.spi.annotations.Dataformat;
import org.apache.camel.support.service.ServiceSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * IPFIX (RFC 7011). Marshal turns a {@link FlowBatch} into Messages, one behind the other: as they
 * are for TCP and files (RFC 5655), cut into datagrams by {@code #ipfixDatagrams} for UDP.
 * Unmarshal turns Messages into a list of {@link DataRecord}.
 *
 * <p>An instance is one Exporting Process with one Transport Session: the sequence numbers go on
 * from batch to batch, so a route that sends to another collector needs an instance of its own.
 * {@code ref: ipfix} in a route gives it one.
 *
 * <p>Templates that are read are remembered for each source, which is the header {@code
 * CamelNettyRemoteAddress}; without it there is one source.
 */
@ManagedResource(description = "Managed IPFIX data format")
@Dataformat("ipfix")
public class IpfixDataFormat extends ServiceSupport implements DataFormat, DataFormatName {

    private static final String ONLY_SOURCE = "the only source";

    private static final Logger LOG = LoggerFactory.getLogger(IpfixDataFormat.class);

    private String fields = FieldList.DEFAULT_ELEMENTS;
    private String enterpriseElements = "";
    private long enterpriseNumber = EnterpriseElements.DEFAULT_ENTERPRISE_NUMBER;
    private String templateIds = Integer.toString(Template.MIN_ID);
    private Duration templateRefresh = ExportOptions.DEFAULT.templateRefresh();
    private int maxMessageLength = ExportOptions.DEFAULT.maxMessageLength();
    private long observationDomainId = ExportOptions.DEFAULT.observationDomainId();

    private final MessageWriter writer = new MessageWriter();
    private EnterpriseElements enterprise = EnterpriseElements.NONE;
    private volatile IpfixReader reader = new IpfixReader();
    private volatile ExportingProcess exporting;

    @Override
    public String getDataFormatName() {
        return "ipfix";
    }

    /**
     * A new Transport Session.
     *
     * @throws IllegalArgumentException naming the option that is wrong
     */
    @Override
    protected synchronized void doStart() {
        EnterpriseElements elements =
                EnterpriseElements.parse(enterpriseElements, enterpriseNumber);
        exporting =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse(fields, elements, TemplateIds.parse(templateIds)),
                                maxMessageLength,
                                templateRefresh,
                                observationDomainId),
                        LOG::warn);
        if (!elements.equals(enterprise)) {
            enterprise = elements;
            reader = new IpfixReader(elements.registry(), new TemplateStore());
        }
    }

    /** One batch at a time, so that the Messages leave in the order of their sequence numbers. */
    @Override
    public synchronized void marshal(Exchange exchange, Object graph, OutputStream stream)
            throws IOException {
        if (!(graph instanceof FlowBatch batch)) {
            throw new IllegalArgumentException(
                    "marshal ipfix takes a FlowBatch as ebpf-flowmap gives it, not "
                            + (graph == null ? "null" : graph.getClass().getName()));
        }
        writer.clear();
        exporting.encode(batch, System.currentTimeMillis(), writer);
        stream.write(writer.array(), 0, writer.length());
    }

    @Override
    public Object unmarshal(Exchange exchange, InputStream stream) throws IOException {
        return unmarshal(exchange, ByteBuffer.wrap(stream.readAllBytes()));
    }

    /**
     * @return a list of {@link DataRecord}, those of Options Templates included
     * @throws IpfixException if a Message is malformed
     */
    @Override
    public Object unmarshal(Exchange exchange, Object body)
            throws IOException, InvalidPayloadException {
        ByteBuffer octets;
        if (body instanceof ByteBuffer buffer) {
            octets = buffer.duplicate();
        } else if (body instanceof ByteBuf buffer) {
            octets = buffer.nioBuffer();
        } else {
            byte[] array =
                    exchange.getContext()
                            .getTypeConverter()
                            .tryConvertTo(byte[].class, exchange, body);
            if (array == null) {
                throw new InvalidPayloadException(exchange, byte[].class);
            }
            octets = ByteBuffer.wrap(array);
        }
        return unmarshal(exchange, octets);
    }

    private List<DataRecord> unmarshal(Exchange exchange, ByteBuffer octets) throws IpfixException {
        Object source =
                exchange.getIn().getHeader(NettyConstants.NETTY_REMOTE_ADDRESS, ONLY_SOURCE);
        List<DataRecord> records = new ArrayList<>();
        do {
            records.addAll(reader.read(source, octets).records());
        } while (octets.hasRemaining());
        return records;
    }

    @ManagedAttribute(description = "Messages read")
    public long getMessages() {
        return reader.counters().messages();
    }

    @ManagedAttribute(description = "Messages that were malformed")
    public long getMalformedMessages() {
        return reader.counters().malformedMessages();
    }

    @ManagedAttribute(description = "Data Records read")
    public long getRecords() {
        return reader.counters().records();
    }

    @ManagedAttribute(description = "Sets whose Template was not known")
    public long getUndecodedSets() {
        return reader.counters().undecodedSets();
    }

    @ManagedAttribute(description = "Data Records missing by the sequence numbers")
    public long getLostRecords() {
        return reader.counters().lostRecords();
    }

    @ManagedAttribute(description = "Values too large for their length, exported as the largest")
    public long getCappedValues() {
        ExportingProcess current = exporting;
        return current == null ? 0 : current.cappedValues();
    }

    @ManagedAttribute(description = "Texts exported in part for want of room")
    public long getCutTexts() {
        ExportingProcess current = exporting;
        return current == null ? 0 : current.cutTexts();
    }

    public String getFields() {
        return fields;
    }

    /**
     * The Information Elements to export, by name, separated by commas: {@code
     * octetDeltaCount,packetDeltaCount,tcpControlBits:1}. The default is {@link
     * FieldList#DEFAULT_ELEMENTS}.
     */
    public void setFields(String fields) {
        this.fields = fields;
    }

    public String getEnterpriseElements() {
        return enterpriseElements;
    }

    /**
     * Enterprise-specific elements (RFC 7011, section 3.2) that {@code fields} may name, and that
     * unmarshal shows by name: {@code
     * matchedRule/1=mark,sourceName/2=sourceHostName,mine/32473.5=octetDeltaCount}. None by
     * default.
     *
     * @see EnterpriseElements#parse
     */
    public void setEnterpriseElements(String enterpriseElements) {
        this.enterpriseElements = enterpriseElements;
    }

    public long getEnterpriseNumber() {
        return enterpriseNumber;
    }

    /**
     * The Private Enterprise Number of those elements that don't name their own: 28972 by default.
     */
    public void setEnterpriseNumber(long enterpriseNumber) {
        this.enterpriseNumber = enterpriseNumber;
    }

    public String getTemplateIds() {
        return templateIds;
    }

    /**
     * The IDs of the Templates: that of the first one, or several, separated by commas; those of
     * further ones are counted up. 256 by default.
     */
    public void setTemplateIds(String templateIds) {
        this.templateIds = templateIds;
    }

    public Duration getTemplateRefresh() {
        return templateRefresh;
    }

    /** How often the Templates are sent again. 60 s is the default. */
    public void setTemplateRefresh(Duration templateRefresh) {
        this.templateRefresh = templateRefresh;
    }

    public int getMaxMessageLength() {
        return maxMessageLength;
    }

    /**
     * The most octets of one Message, 1400 by default: with UDP and IP headers less than the MTU.
     */
    public void setMaxMessageLength(int maxMessageLength) {
        this.maxMessageLength = maxMessageLength;
    }

    public long getObservationDomainId() {
        return observationDomainId;
    }

    /**
     * The Observation Domain ID of the first network namespace that is metered, 1 by default; those
     * of further ones follow.
     */
    public void setObservationDomainId(long observationDomainId) {
        this.observationDomainId = observationDomainId;
    }
}
