"""The kinds of files that FFmpeg may read, by its own names: one file each, which leads nowhere else.

Left out is what opens other files (playlists, concat lists, session descriptions, Magic Lantern's parts), a device or
the network, what draws pictures from a program (lavfi, SVG), and texts, which FFmpeg would film.
"""

_CONTAINERS = """
    asf asf_o avi cine dv film_cpk filmstrip flic flv gxf idcin ipmovie live_flv lxf matroska mov mpeg mpegts mpegtsraw
    mtv mv mxf nsv nut nuv ogg pmp psxstr pva r3d rl2 rm roq smk bink swf ty vivo wtv yuv4mpegpipe
"""
_STREAMS = """
    avs avs2 avs3 cavsvideo dirac dnxhd evc h261 h263 h264 hevc ingenient ivf m4v mjpeg mjpeg_2000 mpegvideo mpjpeg obu
    smjpeg vc1 vc1test vvc
"""
_PICTURES = """
    apng gif image2 jpegxl_anim bmp_pipe cri_pipe dds_pipe dpx_pipe exr_pipe gif_pipe hdr_pipe j2k_pipe jpeg_pipe
    jpegls_pipe jpegxl_pipe pam_pipe pbm_pipe pcx_pipe pfm_pipe pgm_pipe pgmyuv_pipe phm_pipe png_pipe ppm_pipe psd_pipe
    qoi_pipe sgi_pipe sunrast_pipe tiff_pipe webp_pipe xbm_pipe xpm_pipe xwd_pipe
"""
_SOUND = "aac ac3 aiff caf dts eac3 flac mp2 mp3 wav w64 wv"  # opened to say that there is no video in them
FORMATS = ",".join(f"{_CONTAINERS} {_STREAMS} {_PICTURES} {_SOUND}".split())
